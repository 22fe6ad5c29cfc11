/*
 * Answers every POST to /msgin5g at once: 2.04, and with `--msgin5g` the JSON of a lean MSGin5G Server (MSGRESP to a MSG, the
 * result to a REG or DEREG). Plain, or DTLS with `--key HEX`. Prints {"ready":true,"port":N}; for each line on standard
 * input prints what it has answered so far; ends when standard input does.
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>

static bool speaks_msgin5g;
static unsigned long requests, messages;
static const char *last_suite = "none";

/* Length of the string value after `"name":"`, 0 when there is none. The bench's own JSON has no white space. */
static size_t json_text(const char *body, size_t length, const char *name, const char **text) {
  char key[32];
  int key_length = snprintf(key, sizeof key, "\"%s\":\"", name);
  const char *at = memmem(body, length, key, (size_t)key_length);
  if (!at) return 0;
  *text = at + key_length;
  const char *end = memchr(*text, '"', length - (size_t)(*text - body));
  return end ? (size_t)(end - *text) : 0;
}

static bool is_type(const char *body, size_t length, const char *type) {
  const char *text;
  size_t text_length = json_text(body, length, "msgType", &text);
  return text_length == strlen(type) && memcmp(text, type, text_length) == 0;
}

static void answer_msgin5g(const char *body, size_t length, coap_pdu_t *response) {
  char json[512];
  const char *id = "", *address = "";
  int json_length;
  if (is_type(body, length, "MSG")) {
    size_t id_length = json_text(body, length, "msgId", &id);
    size_t address_length = json_text(body, length, "addr", &address);
    json_length = snprintf(json, sizeof json, "{\"msgType\":\"MSGRESP\",\"oriAddr\":{\"addrType\":\"UE\",\"addr\":\"%.*s\"},\"msgId\":\"%.*s\"}",
                           (int)address_length, address, (int)id_length, id);
    messages++;
  } else {
    size_t id_length = json_text(body, length, "ueServiceId", &id);
    json_length = snprintf(json, sizeof json, "{\"ueServiceId\":\"%.*s\",\"result\":true}", (int)id_length, id);
  }
  uint8_t format[1];
  coap_add_option(response, COAP_OPTION_CONTENT_FORMAT,
                  coap_encode_var_safe(format, sizeof format, COAP_MEDIATYPE_APPLICATION_JSON), format);
  coap_add_data(response, (size_t)json_length, (const uint8_t *)json);
}

static void on_post(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
                    const coap_string_t *query, coap_pdu_t *response) {
  (void)resource, (void)query;
  const uint8_t *body;
  size_t length;
  requests++;
  if (requests == 1) last_suite = suite_of(session);
  coap_pdu_set_code(response, COAP_RESPONSE_CODE_CHANGED);
  if (speaks_msgin5g && coap_get_data(request, &length, &body)) answer_msgin5g((const char *)body, length, response);
}

static void print_counts(void) {
  printf("{\"requests\":%lu,\"messages\":%lu,\"suite\":\"%s\"}\n", requests, messages, last_suite);
  fflush(stdout);
}

int main(int argc, char **argv) {
  speaks_msgin5g = option_given(argc, argv, "msgin5g");
  coap_context_t *context = new_context();
  coap_resource_t *resource = coap_resource_init(coap_make_str_const("msgin5g"), 0);
  coap_register_handler(resource, COAP_REQUEST_POST, on_post);
  coap_add_resource(context, resource);
  // libcoap's proxy passes Proxy-Scheme on; with this name the request ends here.
  const char *names[] = {"upstream"};
  coap_add_resource(context, coap_resource_proxy_uri_init(on_post, 1, names));
  printf("{\"ready\":true,\"port\":%ld}\n", listen_on(context, argc, argv));
  fflush(stdout);
  serve(context, print_counts);
  return 0;
}
