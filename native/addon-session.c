/* A session, as JavaScript calls it. */
#include <string.h>

#include "addon.h"

/** createClient(context, mtuBytes, initialTimeoutMs, serverName | undefined, resume | undefined) */
static napi_value create_client(napi_env env, napi_callback_info info) {
  napi_value argv[5];
  dtls_session_settings settings = {0};
  char server_name[DTLS_SERVER_NAME_MAX + 1];
  if (!get_arguments(env, info, 5, argv)) return NULL;
  dtls_context *context = unbox(env, argv[0], kind_context);
  REQUIRE(context != NULL, "not a context");
  REQUIRE(get_size_and_time(env, argv[1], argv[2], &settings), size_and_time);
  if (!is_nothing(env, argv[3])) {
    REQUIRE(get_text(env, argv[3], server_name, sizeof server_name), "serverName is not text of up to 255 octets");
    settings.server_name = server_name;
  }
  if (!is_nothing(env, argv[4]))
    REQUIRE(get_octets(env, argv[4], &settings.resume, &settings.resume_length), "resume is not a Uint8Array");
  napi_value made = to_box(env, kind_session, dtls_client_new(context, &settings));
  REQUIRE(made != NULL, "the session could not be made: memory is short");
  return made;
}

/** The arguments of a call and the session that is the first of them; NULL when it is none, and then that is thrown. */
static dtls_session *session_of(napi_env env, napi_callback_info info, size_t wanted, napi_value *argv) {
  if (!get_arguments(env, info, wanted, argv)) return NULL;
  dtls_session *session = unbox(env, argv[0], kind_session);
  REQUIRE(session != NULL, "not a session");
  return session;
}

static const uint8_t *take_of_session(void *from, size_t *length) { return dtls_take(from, length); }

/** start(session, owner) */
static napi_value start(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  dtls_session *session = session_of(env, info, 2, argv);
  if (session == NULL) return NULL;
  asking call = asking_of(env, argv[1]);
  dtls_calls calls = calls_of(&call);
  report(env, dtls_start(session, &calls), session, -1);
  return NULL;
}

/** receive(session, datagram, room, owner): the first plaintext goes into `room`, those that do not fit into an array */
static napi_value receive(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  const uint8_t *octets, *room;
  size_t length;
  dtls_session *session = session_of(env, info, 4, argv);
  if (session == NULL) return NULL;
  REQUIRE(get_octets(env, argv[1], &octets, &length), "the datagram is not a Uint8Array");
  asking call = asking_of(env, argv[3]);
  REQUIRE(get_octets(env, argv[2], &room, &call.room_size), "the room is not a Uint8Array");
  call.room = (uint8_t *)room;
  dtls_calls calls = calls_of(&call);
  dtls_status status = dtls_receive(session, octets, length, &calls);
  report(env, status, session, call.written);
  return call.others;
}

/** send(session, plaintext, room): the datagram goes into `room`, or is returned when it does not fit */
static napi_value send(napi_env env, napi_callback_info info) {
  napi_value argv[3], datagram = NULL;
  const uint8_t *octets, *sealed, *room;
  size_t length, room_size;
  int32_t written = -1;
  dtls_session *session = session_of(env, info, 3, argv);
  if (session == NULL) return NULL;
  REQUIRE(get_octets(env, argv[1], &octets, &length), "the plaintext is not a Uint8Array");
  REQUIRE(get_octets(env, argv[2], &room, &room_size), "the room is not a Uint8Array");
  dtls_status status = dtls_send(session, octets, length, &sealed, &length);
  if (sealed != NULL && length <= room_size) {
    memcpy((uint8_t *)room, sealed, length);
    written = (int32_t)length;
  } else if (sealed != NULL) {
    datagram = to_octets(env, sealed, length);
  }
  report(env, status, session, written);
  return datagram;
}

/** take(session): all datagrams that wait */
static napi_value take(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  dtls_session *session = session_of(env, info, 1, argv);
  if (session == NULL) return NULL;
  return take_all(env, take_of_session, session);
}

/** deadlineMs(session): -1 for none */
static napi_value deadline_ms(napi_env env, napi_callback_info info) {
  napi_value argv[1], value = NULL;
  dtls_session *session = session_of(env, info, 1, argv);
  if (session == NULL) return NULL;
  napi_create_int64(env, dtls_deadline_ms(session), &value);
  return value;
}

/** handleTimeout(session, owner) */
static napi_value handle_timeout(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  dtls_session *session = session_of(env, info, 2, argv);
  if (session == NULL) return NULL;
  asking call = asking_of(env, argv[1]);
  dtls_calls calls = calls_of(&call);
  report(env, dtls_handle_timeout(session, &calls), session, -1);
  return NULL;
}

/** facts(session): undefined, or [suite, resumed, extendedMasterSecret, identity, hint, serverName, expiresAtMs] */
static napi_value facts(napi_env env, napi_callback_info info) {
  napi_value argv[1], all, values[7];
  dtls_session *session = session_of(env, info, 1, argv);
  if (session == NULL) return NULL;
  const dtls_facts *known = dtls_session_facts(session);
  if (known == NULL) return NULL;
  bool made = napi_create_array(env, &all) == napi_ok &&
              napi_create_uint32(env, known->suite, &values[0]) == napi_ok &&
              napi_get_boolean(env, known->resumed, &values[1]) == napi_ok &&
              napi_get_boolean(env, known->extended_master_secret, &values[2]) == napi_ok &&
              text_or_undefined(env, known->identity, &values[3]) &&
              text_or_undefined(env, known->has_hint ? known->hint : NULL, &values[4]) &&
              text_or_undefined(env, known->has_server_name ? known->server_name : NULL, &values[5]) &&
              napi_create_int64(env, known->expires_at_ms, &values[6]) == napi_ok;
  for (uint32_t i = 0; made && i < 7; i++) made = napi_set_element(env, all, i, values[i]) == napi_ok;
  return made ? all : NULL;
}

/** exportSession(session): octets or undefined */
static napi_value export_session(napi_env env, napi_callback_info info) {
  napi_value argv[1], value = NULL;
  uint8_t *octets = NULL;
  dtls_session *session = session_of(env, info, 1, argv);
  if (session == NULL) return NULL;
  size_t length = dtls_export(session, &octets);
  if (length > 0) value = to_octets(env, octets, length);
  if (length > 0) dtls_wipe_free(octets, length);
  return value;
}

/** close(session) */
static napi_value close_session(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  dtls_session *session = session_of(env, info, 1, argv);
  if (session == NULL) return NULL;
  report(env, dtls_close(session), session, -1);
  return NULL;
}

/** reason(session): what OpenSSL said about the last failure */
static napi_value reason(napi_env env, napi_callback_info info) {
  napi_value argv[1], value = NULL;
  dtls_session *session = session_of(env, info, 1, argv);
  if (session == NULL) return NULL;
  text_or_undefined(env, dtls_reason(session), &value);
  return value;
}

const addon_function session_functions[] = {
    {"createClient", create_client},
    {"start", start},
    {"receive", receive},
    {"send", send},
    {"take", take},
    {"deadlineMs", deadline_ms},
    {"handleTimeout", handle_timeout},
    {"facts", facts},
    {"exportSession", export_session},
    {"close", close_session},
    {"reason", reason},
    {NULL, NULL},
};
