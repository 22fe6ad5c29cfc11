/*
 * Keeps `--outstanding` confirmable POSTs under way to 127.0.0.1:--port over `--sessions` sockets (a session each; DTLS with
 * `--identity` and `--key HEX`) for `--ms` after `--warmup-ms`, and prints a line of JSON when
 * the measured time begins and one when it ends.
 * Every message is 310 octets: header, 4 octets of token, Uri-Path, Content-Format and a JSON body with an ID of its own.
 * `--register` sends each session's REG first, as a constrained device; `--proxy` adds Proxy-Scheme and Uri-Host for a CoAP
 * proxy. `answered` counts the warm-up too.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { body_bytes = 291, max_sessions = 4096, max_outstanding = 4096 };

/* One exchange that is always under way. It walks over its own share of the sessions, so that two slots never meet on one. */
struct slot {
  unsigned session, generation;
  uint64_t sent_at_us;
};

static struct {
  long port, sessions, outstanding;
  bool registers, proxied;
  const char *identity, *key;
} settings;

static coap_session_t *sessions[max_sessions];
static struct slot slots[max_outstanding];
static unsigned registered, registering;
static bool measuring, stopped;
static unsigned long answered, retransmissions, failures, next_message;
static uint32_t *latencies_us;
static size_t exchanges, capacity;

/* The linker puts this in front of libcoap's own (--wrap), which tells nobody about a retransmission. */
coap_mid_t __real_coap_retransmit(coap_context_t *context, void *node);
coap_mid_t __wrap_coap_retransmit(coap_context_t *context, void *node) {
  if (measuring) retransmissions++;
  return __real_coap_retransmit(context, node);
}

static size_t message_body(char *body) {
  int length = snprintf(body, body_bytes + 1,
                        "{\"msgType\":\"MSG\",\"msgId\":\"%08x-0000-4000-8000-%012lx\","
                        "\"destAddr\":{\"addrType\":\"AS\",\"addr\":\"as-1@example.com\"},\"payload\":\"",
                        (unsigned)getpid(), next_message++);
  memset(body + length, 'x', (size_t)(body_bytes - 2 - length));
  memcpy(body + body_bytes - 2, "\"}", 2);
  return body_bytes;
}

static size_t registration_body(char *body, unsigned device) {
  static const char format[] =
      "{\"msgType\":\"REG\",\"layer2Id\":\"bench-%u\",\"appId\":\"bench-%u\",\"credential\":\"bench-credential\"}";
  return (size_t)snprintf(body, body_bytes, format, device, device);
}

static void add_options(coap_pdu_t *pdu) {
  uint8_t format[1];
  if (settings.proxied) coap_add_option(pdu, COAP_OPTION_URI_HOST, 8, (const uint8_t *)"upstream");
  coap_add_option(pdu, COAP_OPTION_URI_PATH, 7, (const uint8_t *)"msgin5g");
  coap_add_option(pdu, COAP_OPTION_CONTENT_FORMAT,
                  coap_encode_var_safe(format, sizeof format, COAP_MEDIATYPE_APPLICATION_JSON), format);
  if (settings.proxied) coap_add_option(pdu, COAP_OPTION_PROXY_SCHEME, 5, (const uint8_t *)"coaps");
}

static void send_from(unsigned index) {
  struct slot *slot = &slots[index];
  coap_session_t *session = sessions[slot->session];
  char body[body_bytes + 1];
  size_t length = registering ? registration_body(body, slot->session) : message_body(body);
  uint8_t token[4] = {index >> 8, index & 0xff, slot->generation >> 8 & 0xff, slot->generation & 0xff};
  coap_pdu_t *pdu = coap_new_pdu(COAP_MESSAGE_CON, COAP_REQUEST_CODE_POST, session);
  if (!pdu) fail("libcoap gave no message");
  coap_add_token(pdu, sizeof token, token);
  add_options(pdu);
  coap_add_data(pdu, length, (const uint8_t *)body);
  slot->sent_at_us = now_us();
  if (coap_send(session, pdu) == COAP_INVALID_MID) fail("libcoap did not send");
}

static void keep_latency(uint64_t us) {
  if (exchanges == capacity) {
    capacity = capacity ? 2 * capacity : 1 << 18;
    latencies_us = realloc(latencies_us, capacity * sizeof *latencies_us);
    if (!latencies_us) fail("no memory for latencies");
  }
  latencies_us[exchanges++] = (uint32_t)us;
}

static void next_exchange(unsigned index) {
  struct slot *slot = &slots[index];
  slot->generation++;
  slot->session += (unsigned)(settings.sessions < settings.outstanding ? 0 : settings.outstanding);
  bool walked_all = slot->session >= (unsigned)settings.sessions;
  if (walked_all) slot->session = index % (unsigned)settings.sessions;
  // While registering, a slot that has walked over its share rests until all have.
  if (!stopped && !(registering && walked_all)) send_from(index);
}

static coap_response_t on_response(coap_session_t *session, const coap_pdu_t *sent, const coap_pdu_t *received, coap_mid_t mid) {
  (void)session, (void)sent, (void)mid;
  coap_bin_const_t token = coap_pdu_get_token(received);
  if (token.length != 4) return COAP_RESPONSE_OK;
  unsigned index = (unsigned)token.s[0] << 8 | token.s[1];
  struct slot *slot = &slots[index];
  // A second copy of an answer: its exchange is over.
  if (token.s[2] != (slot->generation >> 8 & 0xff) || token.s[3] != (slot->generation & 0xff)) return COAP_RESPONSE_OK;
  bool good = COAP_RESPONSE_CLASS(coap_pdu_get_code(received)) == 2;
  if (registering) {
    if (!good) fail("a device was not registered");
    registered++;
  } else if (good) {
    answered++;
    if (measuring) keep_latency(now_us() - slot->sent_at_us);
  } else if (measuring) {
    failures++;
  }
  next_exchange(index);
  return COAP_RESPONSE_OK;
}

static void on_failure(coap_session_t *session, const coap_pdu_t *sent, coap_nack_reason_t reason, coap_mid_t mid) {
  (void)session, (void)mid;
  if (reason == COAP_NACK_ICMP_ISSUE) return;
  if (!sent || coap_pdu_get_token(sent).length != 4) fail("the session failed");
  coap_bin_const_t token = coap_pdu_get_token(sent);
  if (registering) fail("a registration was not answered");
  if (measuring) failures++;
  next_exchange((unsigned)token.s[0] << 8 | token.s[1]);
}

static void process_until(coap_context_t *context, uint64_t until_us) {
  while (now_us() < until_us) coap_io_process(context, 20);
}

static void open_sessions(coap_context_t *context, int argc, char **argv) {
  coap_fixed_point_t ack_timeout = {(uint16_t)option_number(argc, argv, "ack-timeout-s", 2), 0};
  uint64_t give_up_us = now_us() + 20000000u;
  for (long i = 0; i < settings.sessions; i++) {
    sessions[i] = connect_to(context, settings.port, settings.identity, settings.key);
    coap_session_set_nstart(sessions[i], (uint16_t)option_number(argc, argv, "nstart", 1));
    coap_session_set_ack_timeout(sessions[i], ack_timeout);
    while (coap_session_get_state(sessions[i]) != COAP_SESSION_STATE_ESTABLISHED) {
      coap_io_process(context, 20);
      if (now_us() > give_up_us) fail("no DTLS session within 20 s");
    }
  }
}

static void start_slots(void) {
  for (unsigned i = 0; i < (unsigned)settings.outstanding; i++) {
    slots[i].session = i % (unsigned)settings.sessions;
    slots[i].generation = (unsigned)rand();
    send_from(i);
  }
}

static void register_devices(coap_context_t *context) {
  uint64_t give_up_us = now_us() + 60000000u;
  registering = 1;
  start_slots();
  while (registered < (unsigned)settings.sessions) {
    coap_io_process(context, 20);
    if (now_us() > give_up_us) fail("the devices were not registered within 60 s");
  }
  registering = 0;
}

static int by_size(const void *a, const void *b) {
  uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
  return (left > right) - (left < right);
}

int main(int argc, char **argv) {
  settings.port = option_number(argc, argv, "port", 5683);
  settings.sessions = option_number(argc, argv, "sessions", 1);
  settings.outstanding = option_number(argc, argv, "outstanding", 1);
  settings.registers = option_given(argc, argv, "register");
  settings.proxied = option_given(argc, argv, "proxy");
  settings.identity = option(argc, argv, "identity", "bench");
  settings.key = option(argc, argv, "key", NULL);
  if (settings.sessions > max_sessions || settings.outstanding > max_outstanding) fail("at most 4096 sessions and exchanges");
  if (settings.registers && settings.sessions < settings.outstanding) fail("--register: a session each for the exchanges");
  srand((unsigned)now_us());
  next_message = (unsigned long)(now_us() & 0xffffffffu) << 12;

  coap_context_t *context = new_context();
  coap_register_response_handler(context, on_response);
  coap_register_nack_handler(context, on_failure);
  open_sessions(context, argc, argv);
  if (settings.registers) register_devices(context);
  start_slots();
  process_until(context, now_us() + (uint64_t)option_number(argc, argv, "warmup-ms", 300) * 1000u);
  puts("{\"measuring\":true}");
  fflush(stdout);
  uint64_t began_us = now_us();
  measuring = true;
  process_until(context, began_us + (uint64_t)option_number(argc, argv, "ms", 3000) * 1000u);
  measuring = false;
  stopped = true;
  double seconds = (double)(now_us() - began_us) / 1e6;
  qsort(latencies_us, exchanges, sizeof *latencies_us, by_size);
  printf("{\"exchanges\":%zu,\"seconds\":%.3f,\"p50us\":%u,\"p99us\":%u,", exchanges, seconds,
         exchanges ? latencies_us[exchanges / 2] : 0, exchanges ? latencies_us[exchanges * 99 / 100] : 0);
  printf("\"answered\":%lu,\"retransmissions\":%lu,\"failures\":%lu,\"suite\":\"%s\"}\n", answered, retransmissions, failures,
         suite_of(sessions[0]));
  return 0;
}
