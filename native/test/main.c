/* The engine with both ends in memory, to be run under AddressSanitizer and UndefinedBehaviorSanitizer. */
#include "harness.h"

static const uint16_t suites[] = {0xccac, 0xc0a8, 0x00a8};
#define EACH_SUITE(suite) for (size_t i_ = 0; i_ < 3; i_++) for (uint16_t suite = suites[i_], once_ = 1; once_; once_ = 0)

static bool is_open(const wire *it) {
  return dtls_session_state(it->client.session) == DTLS_STATE_OPEN && it->server.session != NULL &&
         dtls_session_state(it->server.session) == DTLS_STATE_OPEN;
}

static void shakes_hands_with_each_suite(void) {
  EACH_SUITE(suite) {
    wire *it = wire_new(suite, 0);
    wire_shake(it, NULL, 0);
    CHECK(is_open(it));
    const dtls_facts *facts = dtls_session_facts(it->client.session);
    CHECK(facts->suite == suite && facts->extended_master_secret && !facts->resumed);
    CHECK(strcmp(facts->identity, "3GPP-AKMAtest") == 0 && strcmp(facts->hint, "3GPP-AKMA") == 0);
    CHECK(strcmp(dtls_session_facts(it->server.session)->server_name, "msgin5g.example.com") == 0);
    CHECK(it->client.asked_suite == suite && it->server.asked_suite == suite);
    CHECK(strcmp(it->client.hint, "3GPP-AKMA") == 0);
    CHECK(wire_says(&it->client, &it->server, "up") && wire_says(&it->server, &it->client, "down"));
    wire_free(it);
  }
}

static void refuses_contexts_that_cannot_be(void) {
  const uint16_t unknown[] = {0x1301}, many[] = {0xccac, 0xc0a8, 0x00a8, 0xccac};
  char hint[DTLS_IDENTITY_MAX + 2];
  memset(hint, 'x', sizeof hint);
  hint[sizeof hint - 1] = 0;
  CHECK(dtls_context_new(&(dtls_settings){.suites = unknown, .suite_count = 1}) == NULL);
  CHECK(dtls_context_new(&(dtls_settings){.suites = many, .suite_count = 4}) == NULL);
  CHECK(dtls_context_new(&(dtls_settings){.suites = many, .suite_count = 0}) == NULL);
  CHECK(dtls_context_new(&(dtls_settings){.is_server = true, .suites = many, .suite_count = 1, .identity_hint = hint}) == NULL);
}

static void resumes_and_stops_resuming(void) {
  uint8_t *secret = NULL;
  wire *it = wire_new(0, 3600);
  it->server.expires_at_ms = 4000000000000;
  wire_shake(it, NULL, 0);
  size_t length = dtls_export(it->client.session, &secret);
  CHECK(length > 0);
  wire_shake(it, secret, length);
  CHECK(is_open(it) && dtls_session_facts(it->client.session)->resumed);
  CHECK(dtls_session_facts(it->server.session)->expires_at_ms == 4000000000000);
  CHECK(it->server.asked_for_key == 1);
  CHECK(wire_says(&it->client, &it->server, "again"));
  it->server.refuses_resumption = true;
  wire_shake(it, secret, length);
  CHECK(is_open(it) && !dtls_session_facts(it->client.session)->resumed);
  // Nonsense, and every cut of the real thing.
  for (size_t cut = 0; cut < length; cut += 13) {
    wire_shake(it, secret, cut);
    CHECK(is_open(it));
  }
  dtls_wipe_free(secret, length);
  wire_free(it);
}

// RFC 7627 section 5.3, and tinydtls clients that know no extended master secret.
static void serves_without_extended_master_secret_but_never_resumes(void) {
  uint8_t *secret = NULL;
  wire *it = wire_new(0, 3600);
  wire_client(it, NULL, 0);
  SSL_set_options(it->client.session->ssl, SSL_OP_NO_EXTENDED_MASTER_SECRET);
  dtls_start(it->client.session, &it->client.calls);
  wire_settle(it);
  CHECK(is_open(it) && !dtls_session_facts(it->server.session)->extended_master_secret);
  CHECK(dtls_export(it->client.session, &secret) == 0);
  CHECK(!SSL_SESSION_has_ticket(SSL_get_session(it->client.session->ssl)));
  wire_free(it);
}

static void refuses_an_unknown_identity(void) {
  wire *it = wire_new(0, 0);
  dtls_origin origin;
  it->server.refuses_key = true;
  wire_shake(it, NULL, 0);
  CHECK(it->server_status == DTLS_PSK_REFUSED && it->client_status == DTLS_PSK_REFUSED);
  CHECK(dtls_last_alert(it->client.session, &origin) == SSL_AD_UNKNOWN_PSK_IDENTITY && origin == DTLS_FROM_PEER);
  CHECK(dtls_session_state(it->client.session) == DTLS_STATE_CLOSED);
  wire_free(it);
}

static void is_silent_about_a_wrong_key_until_time_is_up(void) {
  EACH_SUITE(suite) {
    wire *it = wire_new(suite, 0);
    it->client.key[31] ^= 1;
    wire_shake(it, NULL, 0);
    CHECK(it->client_status == DTLS_OK && it->server_status == DTLS_OK && !is_open(it));
    dtls_status status = DTLS_OK;
    int64_t longest_ms = 0;
    for (int i = 0; i < 30 && status == DTLS_OK; i++) {
      int64_t left_ms = dtls_deadline_ms(it->client.session);
      CHECK(left_ms >= 0 && left_ms <= 60000);
      if (left_ms > longest_ms) longest_ms = left_ms;
      status = dtls_handle_timeout(it->client.session, &it->client.calls);
      wire_settle(it);
    }
    CHECK(status == DTLS_TIMEOUT && longest_ms > 59000);
    wire_free(it);
  }
}

static unsigned lose_first;
static bool losing(uint8_t *datagram, size_t *length, void *user) {
  (void)datagram;
  (void)length;
  (void)user;
  return lose_first == 0 || lose_first-- == 0;
}

static void recovers_from_every_lost_start(void) {
  for (unsigned lost = 1; lost <= 12; lost++) {
    wire *it = wire_new(0, 3600);
    it->fault = losing;
    lose_first = lost;
    wire_shake(it, NULL, 0);
    for (int i = 0; i < 12 && !is_open(it); i++) {
      dtls_handle_timeout(it->client.session, &it->client.calls);
      if (it->server.session != NULL) dtls_handle_timeout(it->server.session, &it->server.calls);
      wire_settle(it);
    }
    CHECK(is_open(it) && dtls_deadline_ms(it->client.session) == -1);
    wire_free(it);
  }
}

static void keeps_nothing_without_a_good_cookie(void) {
  wire *it = wire_new(0, 0);
  wire_client(it, NULL, 0);
  dtls_start(it->client.session, &it->client.calls);
  size_t length;
  dtls_session *born;
  uint8_t hello[2048];
  const uint8_t *datagram = dtls_take(it->client.session, &length);
  memcpy(hello, datagram, length);
  CHECK(dtls_listen(it->listener, hello, length, (const uint8_t *)"a", 1, &it->server.calls, &born) == DTLS_OK && born == NULL);
  size_t reply_length;
  const uint8_t *reply = dtls_listener_take(it->listener, &reply_length);
  CHECK(reply != NULL && reply[13] == DTLS1_MT_HELLO_VERIFY_REQUEST && reply_length < length);
  dtls_receive(it->client.session, reply, reply_length, &it->client.calls);
  datagram = dtls_take(it->client.session, &length);
  memcpy(hello, datagram, length);
  CHECK(dtls_listen(it->listener, hello, length, (const uint8_t *)"b", 1, &it->server.calls, &born) == DTLS_OK && born == NULL);
  CHECK(dtls_listen(it->listener, hello, length, (const uint8_t *)"a", 1, &it->server.calls, &born) == DTLS_OK && born != NULL);
  dtls_session_free(born);
  // One flipped octet anywhere in it is no crash.
  for (size_t at = 0; at < length; at++) {
    hello[at] ^= 0x41;
    dtls_listen(it->listener, hello, length, (const uint8_t *)"a", 1, &it->server.calls, &born);
    dtls_session_free(born);
    hello[at] ^= 0x41;
  }
  wire_free(it);
}

static void drops_replays_and_forgeries(void) {
  EACH_SUITE(suite) {
    wire *it = wire_new(suite, 0);
    wire_shake(it, NULL, 0);
    size_t length;
    const uint8_t *sealed;
    uint8_t record[256];
    CHECK(dtls_send(it->client.session, (const uint8_t *)"once", 4, &sealed, &length) == DTLS_OK);
    memcpy(record, sealed, length);
    for (size_t at = 0; at < length; at++) {
      record[at] ^= 1;
      CHECK(dtls_receive(it->server.session, record, length, &it->server.calls) == DTLS_OK);
      record[at] ^= 1;
    }
    CHECK(it->server.heard == 0 && dtls_dropped(it->server.session) == length);
    CHECK(dtls_receive(it->server.session, record, length, &it->server.calls) == DTLS_OK && it->server.heard == 1);
    CHECK(dtls_receive(it->server.session, record, length, &it->server.calls) == DTLS_OK && it->server.heard == 1);
    CHECK(dtls_dropped(it->server.session) == length + 1 && is_open(it));
    // 65 records later the first is left of the window of 64.
    for (int i = 0; i < 65; i++) CHECK(wire_says(&it->client, &it->server, "more"));
    CHECK(dtls_receive(it->server.session, record, length, &it->server.calls) == DTLS_OK);
    CHECK(dtls_dropped(it->server.session) == length + 2);
    wire_free(it);
  }
}

static void knows_its_sizes(void) {
  EACH_SUITE(suite) {
    wire *it = wire_new(suite, 0);
    wire_shake(it, NULL, 0);
    size_t length, most = 1280 - dtls_overhead(it->client.session);
    const uint8_t *sealed;
    uint8_t plaintext[1280] = {1};
    CHECK(dtls_overhead(it->client.session) <= DTLS_HEADROOM);
    CHECK(dtls_send(it->client.session, plaintext, most, &sealed, &length) == DTLS_OK && length == 1280);
    CHECK(dtls_send(it->client.session, plaintext, most + 1, &sealed, &length) == DTLS_TOO_LARGE && sealed == NULL);
    CHECK(dtls_send(it->client.session, plaintext, 0, &sealed, &length) == DTLS_TOO_LARGE);
    wire_free(it);
  }
}

// RFC 7925 section 17
static void does_not_renegotiate(void) {
  wire *it = wire_new(0, 0);
  dtls_origin origin;
  wire_shake(it, NULL, 0);
  SSL *client = it->client.session->ssl;
  SSL_clear_options(client, SSL_OP_NO_RENEGOTIATION);
  CHECK(SSL_renegotiate(client) == 1);
  SSL_do_handshake(client);
  size_t length;
  const uint8_t *hello = dtls_take(it->client.session, &length);
  CHECK(hello != NULL && dtls_receive(it->server.session, hello, length, &it->server.calls) == DTLS_OK);
  CHECK(dtls_last_alert(it->server.session, &origin) == SSL_AD_NO_RENEGOTIATION && origin == DTLS_FROM_US);
  CHECK(dtls_session_state(it->server.session) == DTLS_STATE_OPEN && it->server.asked_for_key == 1);
  wire_free(it);
}

static void closes_in_order(void) {
  wire *it = wire_new(0, 0);
  wire_shake(it, NULL, 0);
  size_t length;
  const uint8_t *sealed;
  CHECK(dtls_close(it->client.session) == DTLS_OK && dtls_close(it->client.session) == DTLS_OK);
  wire_settle(it);
  CHECK(dtls_session_state(it->server.session) == DTLS_STATE_CLOSED && it->server_status == DTLS_OK);
  CHECK(dtls_send(it->server.session, (const uint8_t *)"x", 1, &sealed, &length) == DTLS_CLOSED);
  CHECK(dtls_start(it->server.session, &it->server.calls) == DTLS_CLOSED);
  CHECK(dtls_receive(it->server.session, (const uint8_t *)"x", 1, &it->server.calls) == DTLS_OK);
  CHECK(dtls_deadline_ms(it->server.session) == -1 && dtls_session_facts(it->server.session) != NULL);
  wire_free(it);
}

static void bounds_what_waits_to_be_sent(void) {
  datagram_queue queue = {0};
  uint8_t datagram[1400] = {0};
  size_t count = 0, length;
  while (queue_put(&queue, datagram, sizeof datagram)) count++;
  CHECK(count > 100 && count < 200 && !queue_put(&queue, datagram, 0x10000));
  for (; queue_take(&queue, &length) != NULL; count--) CHECK(length == sizeof datagram);
  CHECK(count == 0 && queue_put(&queue, datagram, 0) && queue_take_newest(&queue, &length) != NULL && length == 0);
  queue_free(&queue);
}

/* xorshift: the same numbers in every run. */
static uint32_t chance = 1;
static uint32_t below(uint32_t limit) {
  chance ^= chance << 13;
  chance ^= chance >> 17;
  chance ^= chance << 5;
  return chance % limit;
}

/** Changes one datagram in four: bits, length, the length fields of record and message, or all of it. */
static bool mutating(uint8_t *datagram, size_t *length, void *user) {
  static const uint8_t lengths_at[] = {11, 12, 14, 15, 16, 20, 21, 22, 23, 24};
  unsigned *mutated = user;
  if (below(4) != 0 || *length == 0) return true;
  (*mutated)++;
  switch (below(5)) {
    case 0: *length = below((uint32_t)*length); break;
    case 1:
      for (int i = 0; i < 64; i++) datagram[*length + (size_t)i] = (uint8_t)below(256);
      *length += below(65);
      break;
    case 2:
      for (size_t at = 0; at < *length; at++) datagram[at] = (uint8_t)below(256);
      break;
    case 3: {
      size_t at = lengths_at[below(sizeof lengths_at)];
      if (at < *length) datagram[at] = (uint8_t)(below(2) ? 0xff : below(256));
      break;
    }
    default:
      for (uint32_t i = 0; i <= below(4); i++) datagram[below((uint32_t)*length)] ^= (uint8_t)(1u << below(8));
  }
  return true;
}

static void survives_mutated_handshakes(void) {
  EACH_SUITE(suite) {
    unsigned mutated = 0, opened = 0;
    wire *it = wire_new(suite, 3600);
    uint8_t *secret = NULL;
    wire_shake(it, NULL, 0);
    size_t length = dtls_export(it->client.session, &secret);
    it->fault = mutating;
    it->fault_user = &mutated;
    while (mutated < 1500) {
      bool resume = below(3) == 0;
      wire_shake(it, resume ? secret : NULL, resume ? length : 0);
      for (int i = 0; i < 3 && !is_open(it); i++) {
        dtls_handle_timeout(it->client.session, &it->client.calls);
        if (it->server.session != NULL) dtls_handle_timeout(it->server.session, &it->server.calls);
        wire_settle(it);
      }
      opened += is_open(it);
    }
    CHECK(opened > 0);
    dtls_wipe_free(secret, length);
    wire_free(it);
  }
}

static void survives_mutated_records(void) {
  EACH_SUITE(suite) {
    unsigned mutated = 0;
    wire *it = wire_new(suite, 0);
    wire_shake(it, NULL, 0);
    while (mutated < 4000) {
      size_t length;
      const uint8_t *sealed;
      uint8_t plaintext[200] = {2}, datagram[512];
      CHECK(dtls_send(it->client.session, plaintext, 1 + below(200), &sealed, &length) == DTLS_OK);
      memcpy(datagram, sealed, length);
      mutating(datagram, &length, &mutated);
      CHECK(dtls_receive(it->server.session, datagram, length, &it->server.calls) == DTLS_OK);
    }
    CHECK(is_open(it) && dtls_dropped(it->server.session) > 3000);
    CHECK(wire_says(&it->client, &it->server, "still here"));
    wire_free(it);
  }
}

int main(void) {
  static const struct {
    const char *name;
    void (*run)(void);
  } tests[] = {
#define TEST(name) {#name, name}
      TEST(shakes_hands_with_each_suite),
      TEST(refuses_contexts_that_cannot_be),
      TEST(resumes_and_stops_resuming),
      TEST(serves_without_extended_master_secret_but_never_resumes),
      TEST(refuses_an_unknown_identity),
      TEST(is_silent_about_a_wrong_key_until_time_is_up),
      TEST(recovers_from_every_lost_start),
      TEST(keeps_nothing_without_a_good_cookie),
      TEST(drops_replays_and_forgeries),
      TEST(knows_its_sizes),
      TEST(does_not_renegotiate),
      TEST(closes_in_order),
      TEST(bounds_what_waits_to_be_sent),
      TEST(survives_mutated_handshakes),
      TEST(survives_mutated_records),
  };
  for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
    tests[i].run();
    printf("ok %s\n", tests[i].name);
  }
  OPENSSL_cleanup();
  printf("%zu tests of the engine passed under AddressSanitizer and UndefinedBehaviorSanitizer\n", sizeof tests / sizeof *tests);
  return 0;
}
