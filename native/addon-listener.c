/* Contexts and listeners, as JavaScript calls them. */
#include "addon.h"

/** createContext(isServer, suites: number[], identityHint | undefined, resumptionSeconds) */
static napi_value create_context(napi_env env, napi_callback_info info) {
  napi_value argv[4], element;
  dtls_settings settings = {0};
  uint16_t suites[8];
  char hint[DTLS_IDENTITY_MAX + 1];
  uint32_t count = 0, suite;
  if (!get_arguments(env, info, 4, argv)) return NULL;
  REQUIRE(napi_get_value_bool(env, argv[0], &settings.is_server) == napi_ok, "isServer is not a boolean");
  REQUIRE(napi_get_array_length(env, argv[1], &count) == napi_ok && count > 0 && count <= 8, "suites: 1 to 8 codes");
  for (uint32_t i = 0; i < count; i++) {
    REQUIRE(napi_get_element(env, argv[1], i, &element) == napi_ok && get_uint32(env, element, &suite, 0, 0xffff),
            "a suite is not a number of 16 bits");
    suites[i] = (uint16_t)suite;
  }
  if (!is_nothing(env, argv[2])) {
    REQUIRE(get_text(env, argv[2], hint, sizeof hint), "identityHint is not text of up to 256 octets");
    settings.identity_hint = hint;
  }
  REQUIRE(get_uint32(env, argv[3], &settings.resumption_seconds, 0, 0x7fffffff), "resumptionSeconds is out of range");
  settings.suites = suites;
  settings.suite_count = count;
  napi_value made = to_box(env, kind_context, dtls_context_new(&settings));
  REQUIRE(made != NULL, "a suite is not one of ccac, c0a8, 00a8, or memory is short");
  return made;
}

/** createListener(context, mtuBytes, initialTimeoutMs, cookieSecret) */
static napi_value create_listener(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  dtls_session_settings settings = {0};
  const uint8_t *secret;
  size_t length;
  if (!get_arguments(env, info, 4, argv)) return NULL;
  dtls_context *context = unbox(env, argv[0], kind_context);
  REQUIRE(context != NULL, "not a context");
  REQUIRE(get_size_and_time(env, argv[1], argv[2], &settings), size_and_time);
  REQUIRE(get_octets(env, argv[3], &secret, &length) && length == DTLS_COOKIE_SECRET_LENGTH,
          "cookieSecret is not a Uint8Array of 32 octets");
  napi_value made = to_box(env, kind_listener, dtls_listener_new(context, &settings, secret));
  REQUIRE(made != NULL, "the listener could not be made: memory is short");
  return made;
}

static const uint8_t *take_of_listener(void *from, size_t *length) { return dtls_listener_take(from, length); }

/** listen(listener, datagram, peer, owner): a session when the cookie was good */
static napi_value listen_datagram(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  const uint8_t *octets, *peer;
  size_t length, peer_length;
  dtls_session *born = NULL;
  if (!get_arguments(env, info, 4, argv)) return NULL;
  dtls_listener *listener = unbox(env, argv[0], kind_listener);
  REQUIRE(listener != NULL, "not a listener");
  REQUIRE(get_octets(env, argv[1], &octets, &length), "the datagram is not a Uint8Array");
  REQUIRE(get_octets(env, argv[2], &peer, &peer_length) && peer_length > 0 && peer_length <= DTLS_PEER_MAX,
          "the peer is not a Uint8Array of 1 to 128 octets");
  asking call = asking_of(env, argv[3]);
  dtls_calls calls = calls_of(&call);
  dtls_status status = dtls_listen(listener, octets, length, peer, peer_length, &calls, &born);
  report(env, status, born, -1);
  return to_box(env, kind_session, born);
}

/** takeReplies(listener) */
static napi_value take_replies(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!get_arguments(env, info, 1, argv)) return NULL;
  dtls_listener *listener = unbox(env, argv[0], kind_listener);
  REQUIRE(listener != NULL, "not a listener");
  return take_all(env, take_of_listener, listener);
}

const addon_function listener_functions[] = {
    {"createContext", create_context},
    {"createListener", create_listener},
    {"listen", listen_datagram},
    {"takeReplies", take_replies},
    {NULL, NULL},
};
