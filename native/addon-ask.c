/* What the engine asks and tells during a call, put to the object that JavaScript gave with it. */
#include <string.h>

#include "addon.h"

static bool call_owner(asking *call, const char *name, napi_value *arguments, size_t count, napi_value *answer) {
  napi_value function;
  napi_valuetype type;
  if (call->owner == NULL || napi_get_named_property(call->env, call->owner, name, &function) != napi_ok) return false;
  if (napi_typeof(call->env, function, &type) != napi_ok || type != napi_function) return false;
  if (napi_call_function(call->env, call->owner, function, count, arguments, answer) == napi_ok) return true;
  napi_value ignored;
  napi_get_and_clear_last_exception(call->env, &ignored);
  return false;
}

/** owner.psk(suite, hint, identity) gives undefined, or [identity, key, expiresAtMs]. */
static bool ask_psk(void *user, dtls_psk *psk) {
  asking *call = user;
  napi_env env = call->env;
  napi_value arguments[3], answer, identity, key, expiry;
  bool is_array = false;
  const uint8_t *octets;
  size_t length;
  double expires_at_ms;
  if (napi_create_uint32(env, psk->suite, &arguments[0]) != napi_ok) return false;
  if (!text_or_undefined(env, psk->hint, &arguments[1])) return false;
  if (!text_or_undefined(env, psk->identity, &arguments[2])) return false;
  if (!call_owner(call, "psk", arguments, 3, &answer)) return false;
  if (napi_is_array(env, answer, &is_array) != napi_ok || !is_array) return false;
  if (napi_get_element(env, answer, 0, &identity) != napi_ok || napi_get_element(env, answer, 1, &key) != napi_ok ||
      napi_get_element(env, answer, 2, &expiry) != napi_ok)
    return false;
  if (!get_text(env, identity, psk->identity, sizeof psk->identity)) return false;
  if (napi_get_value_double(env, expiry, &expires_at_ms) != napi_ok || !(expires_at_ms >= 0 && expires_at_ms < 1e15))
    return false;
  if (!get_octets(env, key, &octets, &length) || length == 0 || length > DTLS_KEY_MAX) return false;
  memcpy(psk->key, octets, length);
  psk->key_length = length;
  psk->expires_at_ms = (int64_t)expires_at_ms;
  return true;
}

/** owner.mayResume(identity, expiresAtMs) gives true or anything else. */
static bool ask_may_resume(void *user, const char *identity, int64_t expires_at_ms) {
  asking *call = user;
  napi_value arguments[2], answer;
  bool may = false;
  if (!text_or_undefined(call->env, identity, &arguments[0])) return false;
  if (napi_create_int64(call->env, expires_at_ms, &arguments[1]) != napi_ok) return false;
  return call_owner(call, "mayResume", arguments, 2, &answer) &&
         napi_get_value_bool(call->env, answer, &may) == napi_ok && may;
}

static void keep_plaintext(void *user, const uint8_t *octets, size_t length) {
  asking *call = user;
  if (call->written < 0 && call->other_count == 0 && length <= call->room_size) {
    memcpy(call->room, octets, length);
    call->written = (int32_t)length;
    return;
  }
  napi_value value = to_octets(call->env, octets, length);
  if (value == NULL) return;
  if (call->other_count == 0 && napi_create_array(call->env, &call->others) != napi_ok) return;
  napi_set_element(call->env, call->others, call->other_count++, value);
}

asking asking_of(napi_env env, napi_value owner) { return (asking){.env = env, .owner = owner, .written = -1}; }

dtls_calls calls_of(asking *call) {
  return (dtls_calls){.psk = ask_psk, .may_resume = ask_may_resume, .plaintext = keep_plaintext, .user = call};
}
