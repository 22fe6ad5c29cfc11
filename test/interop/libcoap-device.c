/*
 * A constrained device on libcoap, plain UDP, one socket for both roles: it posts to the gateway at 127.0.0.1:--gateway from
 * 127.0.0.1:--port (0: any), and answers POST /msgin5g of its own with 2.04 and a MSGRESP.
 *
 * Standard input, a line each:  post PATH BODY | quit
 * Standard output, JSON lines:  {"event":"ready","port":N}
 *                               {"event":"answer","code":"2.04","body":"..."}   or "code":"none" when none came
 *                               {"event":"received","body":"..."}
 */
#include <arpa/inet.h>
#include <coap3/coap.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static coap_session_t *gateway;

static void print_text(const char *name, const uint8_t *text, size_t length) {
  printf("\"%s\":\"", name);
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '"' || text[i] == '\\') printf("\\%c", text[i]);
    else if (text[i] < 0x20) printf("\\u%04x", text[i]);
    else putchar(text[i]);
  }
  putchar('"');
}

static void print_answer(const char *code, const coap_pdu_t *pdu) {
  size_t length = 0;
  const uint8_t *body = NULL;
  if (pdu) coap_get_data(pdu, &length, &body);
  printf("{\"event\":\"answer\",\"code\":\"%s\",", code);
  print_text("body", body, length);
  puts("}");
  fflush(stdout);
}

static void add_json_format(coap_pdu_t *pdu) {
  uint8_t format[1];
  coap_add_option(pdu, COAP_OPTION_CONTENT_FORMAT,
                  coap_encode_var_safe(format, sizeof format, COAP_MEDIATYPE_APPLICATION_JSON), format);
}

/* Copies the message ID, with its quotes, out of a body without white space; "" when there is none. */
static void message_id_of(const uint8_t *body, size_t length, char id[130]) {
  static const char name[] = "\"msgId\":\"";
  const uint8_t *at = memmem(body, length, name, sizeof name - 1);
  strcpy(id, "\"\"");
  if (!at) return;
  at += sizeof name - 1;
  const uint8_t *end = memchr(at, '"', length - (size_t)(at - body));
  if (end && end - at < 128) snprintf(id, 130, "\"%.*s\"", (int)(end - at), at);
}

static void on_post(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
                    const coap_string_t *query, coap_pdu_t *response) {
  (void)resource, (void)session, (void)query;
  size_t length = 0;
  const uint8_t *body = (const uint8_t *)"";
  coap_get_data(request, &length, &body);
  printf("{\"event\":\"received\",");
  print_text("body", body, length);
  puts("}");
  fflush(stdout);

  char id[130], answer[200];
  message_id_of(body, length, id);
  int answer_length = snprintf(answer, sizeof answer, "{\"msgType\":\"MSGRESP\",\"msgId\":%s}", id);
  coap_pdu_set_code(response, COAP_RESPONSE_CODE_CHANGED);
  add_json_format(response);
  coap_add_data(response, (size_t)answer_length, (const uint8_t *)answer);
}

static coap_response_t on_answer(coap_session_t *session, const coap_pdu_t *sent, const coap_pdu_t *received, coap_mid_t mid) {
  (void)session, (void)sent, (void)mid;
  char code[8];
  coap_pdu_code_t value = coap_pdu_get_code(received);
  snprintf(code, sizeof code, "%d.%02d", COAP_RESPONSE_CLASS(value), value & 0x1f);
  print_answer(code, received);
  return COAP_RESPONSE_OK;
}

static void on_no_answer(coap_session_t *session, const coap_pdu_t *sent, coap_nack_reason_t reason, coap_mid_t mid) {
  (void)session, (void)sent, (void)mid;
  // A refused datagram is not the end: libcoap goes on retransmitting.
  if (reason != COAP_NACK_ICMP_ISSUE) print_answer("none", NULL);
}

static void post(const char *path, const char *body) {
  uint8_t token[8];
  size_t token_length;
  coap_pdu_t *pdu = coap_new_pdu(COAP_MESSAGE_CON, COAP_REQUEST_CODE_POST, gateway);
  if (!pdu) exit(2);
  coap_session_new_token(gateway, &token_length, token);
  coap_add_token(pdu, token_length, token);
  coap_add_option(pdu, COAP_OPTION_URI_PATH, strlen(path), (const uint8_t *)path);
  add_json_format(pdu);
  coap_add_data(pdu, strlen(body), (const uint8_t *)body);
  if (coap_send(gateway, pdu) == COAP_INVALID_MID) print_answer("none", NULL);
}

/* Acts on one line. False ends the program. */
static bool obey(char *line) {
  if (strncmp(line, "post ", 5) != 0) return strcmp(line, "quit") != 0;
  char *path = line + 5;
  char *body = strchr(path, ' ');
  if (!body) return true;
  *body++ = 0;
  post(path, body);
  return true;
}

/* Reads what is there and acts on each whole line. False at the end of input. */
static bool read_lines(void) {
  static char input[8192];
  static size_t held;
  ssize_t length = read(STDIN_FILENO, input + held, sizeof input - held);
  if (length <= 0) return false;
  held += (size_t)length;
  for (char *end; (end = memchr(input, '\n', held));) {
    *end = 0;
    if (!obey(input)) return false;
    held -= (size_t)(end + 1 - input);
    memmove(input, end + 1, held);
  }
  return held < sizeof input;
}

static coap_address_t loopback(const char *port) {
  coap_address_t address;
  coap_address_init(&address);
  address.addr.sin.sin_family = AF_INET;
  address.addr.sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.addr.sin.sin_port = htons((uint16_t)strtol(port, NULL, 10));
  return address;
}

int main(int argc, char **argv) {
  const char *gateway_port = NULL, *local_port = "0";
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--gateway") == 0) gateway_port = argv[i + 1];
    if (strcmp(argv[i], "--port") == 0) local_port = argv[i + 1];
  }
  if (!gateway_port) {
    fputs("usage: libcoap-device --gateway PORT [--port PORT]\n", stderr);
    return 2;
  }
  coap_startup();
  coap_set_log_level(LOG_CRIT);
  coap_context_t *context = coap_new_context(NULL);
  if (!context) return 2;
  coap_resource_t *resource = coap_resource_init(coap_make_str_const("msgin5g"), 0);
  coap_register_handler(resource, COAP_REQUEST_POST, on_post);
  coap_add_resource(context, resource);
  coap_register_response_handler(context, on_answer);
  coap_register_nack_handler(context, on_no_answer);

  coap_address_t from = loopback(local_port), to = loopback(gateway_port);
  gateway = coap_new_client_session(context, &from, &to, COAP_PROTO_UDP);
  if (!gateway) {
    fputs("libcoap-device: cannot bind the local port\n", stderr);
    return 2;
  }
  printf("{\"event\":\"ready\",\"port\":%d}\n", ntohs(coap_session_get_addr_local(gateway)->addr.sin.sin_port));
  fflush(stdout);

  struct pollfd waits[2] = {{.fd = coap_context_get_coap_fd(context), .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
  for (;;) {
    poll(waits, 2, -1);
    if (waits[0].revents) coap_io_process(context, COAP_IO_NO_WAIT);
    if (waits[1].revents && !read_lines()) break;
    // What was just sent sets the next retransmission.
    coap_io_process(context, COAP_IO_NO_WAIT);
  }
  coap_free_context(context);
  return 0;
}
