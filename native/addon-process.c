/* What a process that holds keys asks of the system. */
#include "addon.h"

#include <sys/resource.h>

/** No core file, now and for good: it would hold keys. Returns whether the system agreed. */
static napi_value forbid_core_dumps(napi_env env, napi_callback_info info) {
  (void)info;
  const struct rlimit none = {0, 0};
  napi_value agreed;
  bool done = setrlimit(RLIMIT_CORE, &none) == 0;
  return napi_get_boolean(env, done, &agreed) == napi_ok ? agreed : NULL;
}

const addon_function process_functions[] = {
    {"forbidCoreDumps", forbid_core_dumps},
    {NULL, NULL},
};
