/*
 * The engine as JavaScript sees it: arguments in, octets out, always copied. No cryptography here, and no judgement:
 * every function leaves its result in the shared `status` words, and JavaScript throws what is to be thrown.
 */
#include "addon.h"

#include <stdlib.h>

static void free_instance(napi_env env, void *data, void *unused) {
  (void)unused;
  instance *mine = data;
  napi_delete_reference(env, mine->status_ref);
  free(mine);
}

static bool add(napi_env env, napi_value exports, const addon_function *functions) {
  napi_value function;
  for (; functions->name != NULL; functions++) {
    if (napi_create_function(env, functions->name, NAPI_AUTO_LENGTH, functions->function, NULL, &function) != napi_ok ||
        napi_set_named_property(env, exports, functions->name, function) != napi_ok)
      return false;
  }
  return true;
}

NAPI_MODULE_INIT() {
  napi_value status, buffer, version;
  instance *mine = calloc(1, sizeof *mine);
  if (mine == NULL) return NULL;
  bool made = napi_create_arraybuffer(env, word_count * sizeof(int32_t), (void **)&mine->status, &buffer) == napi_ok &&
              napi_create_typedarray(env, napi_int32_array, word_count, buffer, 0, &status) == napi_ok &&
              napi_create_reference(env, status, 1, &mine->status_ref) == napi_ok &&
              napi_set_named_property(env, exports, "status", status) == napi_ok &&
              text_or_undefined(env, dtls_openssl_version(), &version) &&
              napi_set_named_property(env, exports, "opensslVersion", version) == napi_ok;
  if (!made || napi_set_instance_data(env, mine, free_instance, NULL) != napi_ok) {
    free(mine);
    return NULL;
  }
  bool added = add(env, exports, session_functions) && add(env, exports, listener_functions) &&
               add(env, exports, process_functions);
  return added ? exports : NULL;
}
