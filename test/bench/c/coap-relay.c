/*
 * A relay that stores nothing: plain CoAP in on 127.0.0.1, one DTLS session (`--upstream-port`, `--identity`, `--upstream-key HEX`) up.
 * Answers piggybacked when the server has answered; with `--separate` it acknowledges at once and answers separately.
 * Prints {"ready":true,"port":N} once the session stands; ends when standard input does.
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>

enum { max_pending = 65536 };

/* A device's request whose answer is still to come from the server. Owns a reference to the device's session. */
struct pending {
  coap_session_t *device;
  coap_mid_t message_id;
  uint8_t token[8];
  size_t token_length;
};

static coap_session_t *upstream;
static bool separate;
static struct pending pending[max_pending];
static uint16_t newest;

/*
 * libcoap acknowledges at once when a handler leaves the answer for later, and has no setting against it. The linker puts
 * this in front of its own (--wrap): towards devices an empty ACK stays unsent, so that the answer can be piggybacked.
 */
ssize_t __real_coap_session_send(coap_session_t *session, const uint8_t *data, size_t length);
ssize_t __wrap_coap_session_send(coap_session_t *session, const uint8_t *data, size_t length) {
  bool empty_ack = length == 4 && (data[0] & 0x30) == 0x20 && data[1] == 0;
  if (empty_ack && !separate && session != upstream) return (ssize_t)length;
  return __real_coap_session_send(session, data, length);
}

static void copy_option(coap_pdu_t *to, const coap_pdu_t *from, coap_option_num_t number) {
  coap_opt_iterator_t iterator;
  coap_opt_t *found = coap_check_option(from, number, &iterator);
  if (found) coap_add_option(to, number, coap_opt_length(found), coap_opt_value(found));
}

static void copy_payload(coap_pdu_t *to, const coap_pdu_t *from) {
  size_t length;
  const uint8_t *payload;
  if (coap_get_data(from, &length, &payload)) coap_add_data(to, length, payload);
}

static void on_post(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
                    const coap_string_t *query, coap_pdu_t *response) {
  (void)resource, (void)query, (void)response;
  coap_bin_const_t token = coap_pdu_get_token(request);
  struct pending *entry = &pending[++newest];
  if (entry->device) fail("more than 65535 requests wait for the server");
  *entry = (struct pending){coap_session_reference(session), coap_pdu_get_mid(request), {0}, token.length};
  memcpy(entry->token, token.s, token.length);

  uint8_t upstream_token[2] = {newest >> 8, newest & 0xff};
  coap_pdu_t *pdu = coap_new_pdu(COAP_MESSAGE_CON, COAP_REQUEST_CODE_POST, upstream);
  if (!pdu) fail("libcoap gave no message");
  coap_add_token(pdu, sizeof upstream_token, upstream_token);
  coap_add_option(pdu, COAP_OPTION_URI_PATH, 7, (const uint8_t *)"msgin5g");
  copy_option(pdu, request, COAP_OPTION_CONTENT_FORMAT);
  copy_payload(pdu, request);
  coap_send(upstream, pdu);
}

static coap_response_t on_answer(coap_session_t *session, const coap_pdu_t *sent, const coap_pdu_t *received, coap_mid_t mid) {
  (void)sent, (void)mid;
  coap_bin_const_t token = coap_pdu_get_token(received);
  if (session != upstream || token.length != 2) return COAP_RESPONSE_OK;
  struct pending *entry = &pending[token.s[0] << 8 | token.s[1]];
  if (!entry->device) return COAP_RESPONSE_OK;
  coap_pdu_t *pdu = coap_pdu_init(separate ? COAP_MESSAGE_CON : COAP_MESSAGE_ACK, coap_pdu_get_code(received),
                                  separate ? coap_new_message_id(entry->device) : entry->message_id,
                                  coap_session_max_pdu_size(entry->device));
  if (!pdu) fail("libcoap gave no message");
  coap_add_token(pdu, entry->token_length, entry->token);
  copy_option(pdu, received, COAP_OPTION_CONTENT_FORMAT);
  copy_payload(pdu, received);
  coap_send(entry->device, pdu);
  coap_session_release(entry->device);
  entry->device = NULL;
  return COAP_RESPONSE_OK;
}

static void on_failure(coap_session_t *session, const coap_pdu_t *sent, coap_nack_reason_t reason, coap_mid_t mid) {
  (void)sent, (void)reason, (void)mid;
  if (session == upstream) fail("the server did not answer");
}

int main(int argc, char **argv) {
  separate = option_given(argc, argv, "separate");
  coap_context_t *context = new_context();
  coap_resource_t *resource = coap_resource_init(coap_make_str_const("msgin5g"), 0);
  coap_register_handler(resource, COAP_REQUEST_POST, on_post);
  coap_add_resource(context, resource);
  coap_register_response_handler(context, on_answer);
  coap_register_nack_handler(context, on_failure);
  upstream = connect_to(context, option_number(argc, argv, "upstream-port", 5684), option(argc, argv, "identity", "bench"),
                        option(argc, argv, "upstream-key", NULL));
  coap_session_set_nstart(upstream, 65535);
  uint64_t give_up_us = now_us() + 10000000u;
  while (coap_session_get_state(upstream) != COAP_SESSION_STATE_ESTABLISHED) {
    coap_io_process(context, 20);
    if (now_us() > give_up_us) fail("no DTLS session within 10 s");
  }
  printf("{\"ready\":true,\"port\":%ld,\"suite\":\"%s\"}\n", listen_on(context, argc, argv), suite_of(upstream));
  fflush(stdout);
  serve(context, NULL);
  return 0;
}
