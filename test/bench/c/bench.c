#include "bench.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *option(int argc, char **argv, const char *name, const char *fallback) {
  for (int i = 1; i + 1 < argc; i++)
    if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0) return argv[i + 1];
  return fallback;
}

long option_number(int argc, char **argv, const char *name, long fallback) {
  const char *text = option(argc, argv, name, NULL);
  return text ? strtol(text, NULL, 10) : fallback;
}

bool option_given(int argc, char **argv, const char *name) {
  for (int i = 1; i < argc; i++)
    if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0) return true;
  return false;
}

void fail(const char *sentence) {
  fprintf(stderr, "%s\n", sentence);
  exit(2);
}

uint64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

coap_address_t loopback(long port) {
  coap_address_t address;
  coap_address_init(&address);
  address.addr.sin.sin_family = AF_INET;
  address.addr.sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.addr.sin.sin_port = htons((uint16_t)port);
  return address;
}

coap_context_t *new_context(void) {
  coap_startup();
  coap_set_log_level(LOG_CRIT);
  coap_dtls_set_log_level(LOG_CRIT);
  coap_context_t *context = coap_new_context(NULL);
  if (!context) fail("libcoap gave no context");
  coap_context_set_max_handshake_sessions(context, 65535);
  return context;
}

/* A PSK is 64 octets at most (RFC 4279 section 5.3 asks for that much). */
static coap_bin_const_t key_from_hex(const char *hex_text, uint8_t octets[64]) {
  size_t length = strlen(hex_text) / 2;
  if (length > 64) fail("--key: at most 64 octets");
  for (size_t i = 0; i < length; i++) {
    char pair[3] = {hex_text[2 * i], hex_text[2 * i + 1], 0};
    octets[i] = (uint8_t)strtoul(pair, NULL, 16);
  }
  return (coap_bin_const_t){length, octets};
}

static coap_bin_const_t server_key;

static const coap_bin_const_t *key_for_any_identity(coap_bin_const_t *identity, coap_session_t *session, void *arg) {
  (void)identity, (void)session, (void)arg;
  return &server_key;
}

long listen_on(coap_context_t *context, int argc, char **argv) {
  static uint8_t octets[64];
  const char *key_hex = option(argc, argv, "key", NULL);
  const char *hint = option(argc, argv, "hint", "bench");
  if (key_hex) {
    server_key = key_from_hex(key_hex, octets);
    coap_dtls_spsk_t setup = {.version = COAP_DTLS_SPSK_SETUP_VERSION,
                              .validate_id_call_back = key_for_any_identity,
                              .psk_info = {.hint = {strlen(hint), (const uint8_t *)hint}, .key = server_key}};
    if (!coap_context_set_psk2(context, &setup)) fail("libcoap took no server key");
  }
  coap_address_t address = loopback(option_number(argc, argv, "port", 0));
  coap_endpoint_t *endpoint = coap_new_endpoint(context, &address, key_hex ? COAP_PROTO_DTLS : COAP_PROTO_UDP);
  if (!endpoint) fail("cannot listen on 127.0.0.1");
  const char *port = strrchr(coap_endpoint_str(endpoint), ':');
  return port ? strtol(port + 1, NULL, 10) : 0;
}

coap_session_t *connect_to(coap_context_t *context, long port, const char *identity, const char *key_hex) {
  coap_address_t address = loopback(port);
  coap_session_t *session;
  if (key_hex) {
    uint8_t octets[64];
    coap_dtls_cpsk_t setup = {.version = COAP_DTLS_CPSK_SETUP_VERSION,
                              .psk_info = {.identity = {strlen(identity), (const uint8_t *)identity},
                                           .key = key_from_hex(key_hex, octets)}};
    session = coap_new_client_session_psk2(context, NULL, &address, COAP_PROTO_DTLS, &setup);
  } else {
    session = coap_new_client_session(context, NULL, &address, COAP_PROTO_UDP);
  }
  if (!session) fail("libcoap gave no session");
  return session;
}

const char *suite_of(const coap_session_t *session) {
  coap_tls_library_t library;
  SSL *ssl = coap_session_get_tls(session, &library);
  return ssl && library == COAP_TLS_LIBRARY_OPENSSL ? SSL_get_cipher_name(ssl) : "none";
}

void serve(coap_context_t *context, void (*on_line)(void)) {
  char input[256];
  struct pollfd waits[2] = {{.fd = coap_context_get_coap_fd(context), .events = POLLIN},
                            {.fd = STDIN_FILENO, .events = POLLIN}};
  fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
  coap_io_process(context, COAP_IO_NO_WAIT);
  for (;;) {
    poll(waits, 2, -1);
    if (waits[0].revents) coap_io_process(context, COAP_IO_NO_WAIT);
    if (!waits[1].revents) continue;
    ssize_t length = read(STDIN_FILENO, input, sizeof input);
    if (length == 0) return;
    for (ssize_t i = 0; i < length; i++)
      if (input[i] == '\n' && on_line) on_line();
  }
}
