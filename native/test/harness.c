#include "harness.h"

static const uint16_t all_suites[] = {0xccac, 0xc0a8, 0x00a8};
static const uint8_t peer[] = "192.0.2.1:40001";

static bool give_key(void *user, dtls_psk *psk) {
  end *it = user;
  it->asked_for_key++;
  it->asked_suite = psk->suite;
  snprintf(it->hint, sizeof it->hint, "%s", psk->hint == NULL ? "" : psk->hint);
  if (it->refuses_key) return false;
  if (it->identity != NULL) strcpy(psk->identity, it->identity);
  memcpy(psk->key, it->key, sizeof it->key);
  psk->key_length = sizeof it->key;
  psk->expires_at_ms = it->expires_at_ms;
  return true;
}

static bool may_resume(void *user, const char *identity, int64_t expires_at_ms) {
  end *it = user;
  CHECK(strcmp(identity, "3GPP-AKMAtest") == 0);
  CHECK(expires_at_ms == it->expires_at_ms);
  return !it->refuses_resumption;
}

static void hear(void *user, const uint8_t *octets, size_t length) {
  end *it = user;
  it->heard++;
  it->last_length = length < sizeof it->last ? length : sizeof it->last;
  memcpy(it->last, octets, it->last_length);
}

static void end_init(end *it, const char *identity) {
  it->calls = (dtls_calls){give_key, may_resume, hear, it};
  it->identity = identity;
  memset(it->key, 0x5a, sizeof it->key);
}

static const dtls_session_settings usual = {.mtu = 1280, .initial_timeout_ms = 1000, .server_name = "msgin5g.example.com"};

wire *wire_new(uint16_t suite, uint32_t resumption_seconds) {
  static const uint8_t secret[DTLS_COOKIE_SECRET_LENGTH] = {7};
  wire *it = calloc(1, sizeof *it);
  dtls_settings settings = {.suites = suite == 0 ? all_suites : &suite, .suite_count = suite == 0 ? 3 : 1};
  it->client_context = dtls_context_new(&settings);
  settings.is_server = true;
  settings.identity_hint = "3GPP-AKMA";
  settings.resumption_seconds = resumption_seconds;
  it->server_context = dtls_context_new(&settings);
  it->listener = dtls_listener_new(it->server_context, &usual, secret);
  CHECK(it->client_context != NULL && it->server_context != NULL && it->listener != NULL);
  end_init(&it->client, "3GPP-AKMAtest");
  end_init(&it->server, NULL);
  return it;
}

void wire_free(wire *it) {
  // Contexts first: sessions and listener keep them alive.
  dtls_context_free(it->client_context);
  dtls_context_free(it->server_context);
  dtls_session_free(it->client.session);
  dtls_session_free(it->server.session);
  dtls_listener_free(it->listener);
  free(it);
}

void wire_client(wire *it, const uint8_t *resume, size_t resume_length) {
  dtls_session_free(it->client.session);
  dtls_session_free(it->server.session);
  it->server.session = NULL;
  it->client_status = it->server_status = DTLS_OK;
  dtls_session_settings settings = usual;
  settings.resume = resume;
  settings.resume_length = resume_length;
  it->client.session = dtls_client_new(it->client_context, &settings);
  CHECK(it->client.session != NULL);
}

static void note_status(dtls_status *into, dtls_status status) {
  if (*into == DTLS_OK) *into = status;
}

static void to_client(wire *it, const uint8_t *datagram, size_t length) {
  note_status(&it->client_status, dtls_receive(it->client.session, datagram, length, &it->client.calls));
}

static void to_server(wire *it, const uint8_t *datagram, size_t length) {
  if (it->server.session != NULL) {
    note_status(&it->server_status, dtls_receive(it->server.session, datagram, length, &it->server.calls));
    return;
  }
  note_status(&it->server_status, dtls_listen(it->listener, datagram, length, peer, sizeof peer, &it->server.calls,
                                              &it->server.session));
}

/** A copy of its own size, so that the sanitizer sees one octet too far. */
static void carry(wire *it, const uint8_t *datagram, size_t length, void (*to)(wire *, const uint8_t *, size_t)) {
  uint8_t *copy = malloc(length + 64);
  memcpy(copy, datagram, length);
  if (it->fault == NULL || it->fault(copy, &length, it->fault_user)) {
    uint8_t *exact = malloc(length > 0 ? length : 1);
    memcpy(exact, copy, length);
    to(it, exact, length);
    free(exact);
  }
  free(copy);
}

void wire_settle(wire *it) {
  bool moved = true;
  for (int round = 0; moved && round < 200; round++) {
    const uint8_t *datagram;
    size_t length;
    moved = false;
    while ((datagram = dtls_take(it->client.session, &length)) != NULL) carry(it, datagram, length, to_server), moved = true;
    while ((datagram = dtls_listener_take(it->listener, &length)) != NULL) carry(it, datagram, length, to_client), moved = true;
    while (it->server.session != NULL && (datagram = dtls_take(it->server.session, &length)) != NULL)
      carry(it, datagram, length, to_client), moved = true;
  }
}

void wire_shake(wire *it, const uint8_t *resume, size_t resume_length) {
  wire_client(it, resume, resume_length);
  note_status(&it->client_status, dtls_start(it->client.session, &it->client.calls));
  wire_settle(it);
}

bool wire_says(end *from, end *to, const char *text) {
  const uint8_t *datagram;
  size_t length;
  unsigned heard = to->heard;
  if (dtls_send(from->session, (const uint8_t *)text, strlen(text), &datagram, &length) != DTLS_OK) return false;
  if (dtls_receive(to->session, datagram, length, &to->calls) != DTLS_OK) return false;
  return to->heard == heard + 1 && to->last_length == strlen(text) && memcmp(to->last, text, strlen(text)) == 0;
}
