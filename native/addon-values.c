/* Values of JavaScript and of C, one made of the other. Nothing here trusts what it is given. */
#include <stdlib.h>
#include <string.h>

#include "addon.h"

/** OpenSSL's buffers of one session: two of some 17 kB, and its state. */
static const int64_t session_memory = 42 * 1024;

void *unbox(napi_env env, napi_value value, kind expected) {
  napi_valuetype type;
  box *held = NULL;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return NULL;
  if (napi_get_value_external(env, value, (void **)&held) != napi_ok || held == NULL) return NULL;
  return held->kind == expected ? held->thing : NULL;
}

static void free_box(napi_env env, void *data, void *unused) {
  (void)unused;
  box *held = data;
  int64_t now;
  switch (held->kind) {
    case kind_context: dtls_context_free(held->thing); break;
    case kind_listener: dtls_listener_free(held->thing); break;
    case kind_session:
      dtls_session_free(held->thing);
      napi_adjust_external_memory(env, -session_memory, &now);
      break;
  }
  held->kind = 0;
  free(held);
}

napi_value to_box(napi_env env, kind its_kind, void *thing) {
  napi_value value = NULL;
  int64_t now;
  if (thing == NULL) return NULL;
  box *held = malloc(sizeof *held);
  if (held != NULL) {
    *held = (box){its_kind, thing};
    if (napi_create_external(env, held, free_box, NULL, &value) == napi_ok) {
      if (its_kind == kind_session) napi_adjust_external_memory(env, session_memory, &now);
      return value;
    }
    free(held);
  }
  if (its_kind == kind_context) dtls_context_free(thing);
  else if (its_kind == kind_listener) dtls_listener_free(thing);
  else dtls_session_free(thing);
  return NULL;
}

bool get_octets(napi_env env, napi_value value, const uint8_t **octets, size_t *length) {
  bool is_typed_array = false;
  napi_typedarray_type type;
  if (napi_is_typedarray(env, value, &is_typed_array) != napi_ok || !is_typed_array) return false;
  return napi_get_typedarray_info(env, value, &type, length, (void **)octets, NULL, NULL) == napi_ok &&
         type == napi_uint8_array && (*length == 0 || *octets != NULL);
}

napi_value to_octets(napi_env env, const uint8_t *octets, size_t length) {
  napi_value value = NULL;
  return napi_create_buffer_copy(env, length, octets, NULL, &value) == napi_ok ? value : NULL;
}

bool get_text(napi_env env, napi_value value, char *into, size_t size) {
  size_t length;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok || length >= size) return false;
  if (napi_get_value_string_utf8(env, value, into, size, &length) != napi_ok) return false;
  return strlen(into) == length;
}

bool is_nothing(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) != napi_ok || type == napi_undefined || type == napi_null;
}

bool get_uint32(napi_env env, napi_value value, uint32_t *number, uint32_t least, uint32_t most) {
  double given;
  if (napi_get_value_double(env, value, &given) != napi_ok || !(given >= least && given <= most)) return false;
  *number = (uint32_t)given;
  return true;
}

bool text_or_undefined(napi_env env, const char *text, napi_value *value) {
  if (text == NULL) return napi_get_undefined(env, value) == napi_ok;
  return napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, value) == napi_ok;
}

bool get_arguments(napi_env env, napi_callback_info info, size_t wanted, napi_value *arguments) {
  size_t count = wanted;
  return napi_get_cb_info(env, info, &count, arguments, NULL, NULL) == napi_ok;
}

napi_value take_all(napi_env env, const uint8_t *(*take)(void *, size_t *), void *from) {
  napi_value all, value;
  const uint8_t *octets;
  size_t length;
  if (napi_create_array(env, &all) != napi_ok) return NULL;
  for (uint32_t i = 0; (octets = take(from, &length)) != NULL; i++)
    if ((value = to_octets(env, octets, length)) != NULL) napi_set_element(env, all, i, value);
  return all;
}

void report(napi_env env, dtls_status status, const dtls_session *session, int32_t written) {
  instance *mine = NULL;
  if (napi_get_instance_data(env, (void **)&mine) != napi_ok || mine == NULL) return;
  mine->status[word_status] = (int32_t)status;
  if (session == NULL) return;
  dtls_origin origin;
  mine->status[word_state] = (int32_t)dtls_session_state(session);
  mine->status[word_pending] = (int32_t)dtls_pending(session);
  mine->status[word_alert] = dtls_last_alert(session, &origin);
  mine->status[word_alert_origin] = (int32_t)origin;
  mine->status[word_dropped] = (int32_t)dtls_dropped(session);
  mine->status[word_overhead] = (int32_t)dtls_overhead(session);
  mine->status[word_written] = written;
}

bool get_size_and_time(napi_env env, napi_value mtu, napi_value timeout, dtls_session_settings *settings) {
  uint32_t octets;
  if (!get_uint32(env, mtu, &octets, DTLS_MTU_MIN, DTLS_MTU_MAX)) return false;
  settings->mtu = octets;
  return get_uint32(env, timeout, &settings->initial_timeout_ms, 50, 60000);
}

const char *const size_and_time = "mtuBytes is 256 to 16384, initialTimeoutMs 50 to 60000";
