/* What all sessions of one kind share: suites, options, and the questions that OpenSSL asks during a handshake. */
#include <pthread.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "engine.h"

static const struct {
  uint16_t code;
  const char *name;
} suites[] = {
    {0xccac, "ECDHE-PSK-CHACHA20-POLY1305"},  // RFC 7905: forward secrecy
    {0xc0a8, "PSK-AES128-CCM8"},              // RFC 6655: mandatory for CoAP, RFC 7252 section 9.1.3.1
    {0x00a8, "PSK-AES128-GCM-SHA256"},        // RFC 5487
};

const char *suite_name(uint16_t code) {
  for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
    if (suites[i].code == code) return suites[i].name;
  return NULL;
}

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

// The machine's openssl.cnf is not ours to follow, and threads may still run when exit handlers do.
static void open_library(void) { OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL); }

const char *dtls_openssl_version(void) { return OpenSSL_version(OPENSSL_VERSION); }

static dtls_session *session_of(const SSL *ssl) { return SSL_get_app_data(ssl); }

/** Both ends ask with the suite, since K_AF is derived for it; it is known since ServerHello. */
static unsigned int ask_psk(SSL *ssl, dtls_psk *psk) {
  dtls_session *session = session_of(ssl);
  const SSL_CIPHER *chosen = SSL_get_pending_cipher(ssl);
  if (chosen == NULL || session->calls == NULL || session->calls->psk == NULL) return 0;
  psk->suite = SSL_CIPHER_get_protocol_id(chosen);
  if (!session->calls->psk(session->calls->user, psk)) return 0;
  return psk->key_length <= DTLS_KEY_MAX ? (unsigned int)psk->key_length : 0;
}

static unsigned int client_psk(SSL *ssl, const char *hint, char *identity, unsigned int identity_size,
                               unsigned char *key, unsigned int key_size) {
  dtls_psk psk = {.hint = hint};
  unsigned int length = ask_psk(ssl, &psk);
  size_t identity_length = strnlen(psk.identity, sizeof psk.identity);
  // OpenSSL's buffer has room for the final NUL beyond identity_size.
  if (length > key_size || identity_length > identity_size || identity_length > DTLS_IDENTITY_MAX) length = 0;
  if (length > 0) {
    memcpy(identity, psk.identity, identity_length + 1);
    memcpy(key, psk.key, length);
  }
  OPENSSL_cleanse(&psk, sizeof psk);
  return length;
}

static unsigned int server_psk(SSL *ssl, const char *identity, unsigned char *key, unsigned int key_size) {
  dtls_session *session = session_of(ssl);
  dtls_psk psk = {.hint = NULL};
  if (identity == NULL || strnlen(identity, DTLS_IDENTITY_MAX + 1) > DTLS_IDENTITY_MAX) return 0;
  strcpy(psk.identity, identity);
  unsigned int length = ask_psk(ssl, &psk);
  if (length > key_size) length = 0;
  if (length > 0) {
    memcpy(key, psk.key, length);
    session->facts.expires_at_ms = psk.expires_at_ms;
  }
  OPENSSL_cleanse(&psk, sizeof psk);
  return length;
}

/** The name in a server_name extension, or no octets. RFC 6066 section 3: list length, type 0, name length, name. */
static void read_server_name(const unsigned char *octets, size_t length, char *name) {
  *name = 0;
  if (length < 6 || octets[2] != TLSEXT_NAMETYPE_host_name) return;
  size_t name_length = (size_t)octets[3] << 8 | octets[4];
  if (name_length > length - 5 || name_length > DTLS_SERVER_NAME_MAX) return;
  memcpy(name, octets + 5, name_length);
  name[name_length] = 0;
}

/** Runs before OpenSSL looks at a ticket. */
static int on_client_hello(SSL *ssl, int *alert, void *unused) {
  (void)alert;
  (void)unused;
  const unsigned char *octets;
  size_t length;
  // A session without extended master secret is never resumed: it gets no ticket, and its tickets are not read.
  if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_extended_master_secret, &octets, &length))
    SSL_set_options(ssl, SSL_OP_NO_TICKET);
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &octets, &length))
    read_server_name(octets, length, session_of(ssl)->offered_name);
  return SSL_CLIENT_HELLO_SUCCESS;
}

/** Any name is welcome, and is kept in the ticket. */
static int on_server_name(SSL *ssl, int *alert, void *unused) {
  (void)ssl;
  (void)alert;
  (void)unused;
  return SSL_TLSEXT_ERR_OK;
}

/** What a ticket carries of ours: when the key ends, and whose it is. */
typedef struct {
  int64_t expires_at_ms;
  char identity[DTLS_IDENTITY_MAX + 1];
} ticket_note;

static int write_ticket(SSL *ssl, void *unused) {
  (void)unused;
  ticket_note note = {.expires_at_ms = session_of(ssl)->facts.expires_at_ms};
  const char *identity = SSL_get_psk_identity(ssl);
  if (identity != NULL) strncpy(note.identity, identity, DTLS_IDENTITY_MAX);
  return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), &note, sizeof note);
}

static SSL_TICKET_RETURN read_ticket(SSL *ssl, SSL_SESSION *ticket, const unsigned char *key_name, size_t name_length,
                                     SSL_TICKET_STATUS status, void *unused) {
  (void)key_name;
  (void)name_length;
  (void)unused;
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
  dtls_session *session = session_of(ssl);
  const dtls_calls *calls = session->calls;
  void *octets = NULL;
  size_t length = 0;
  ticket_note note;
  if (!SSL_SESSION_get0_ticket_appdata(ticket, &octets, &length) || length != sizeof note)
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  memcpy(&note, octets, sizeof note);
  note.identity[DTLS_IDENTITY_MAX] = 0;
  // RFC 6066 section 3: no resumption under another name. OpenSSL leaves that to us.
  const char *name = SSL_SESSION_get0_hostname(ticket);
  if (strcmp(name == NULL ? "" : name, session->offered_name) != 0) return SSL_TICKET_RETURN_IGNORE_RENEW;
  if (calls != NULL && calls->may_resume != NULL && !calls->may_resume(calls->user, note.identity, note.expires_at_ms))
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  session->facts.expires_at_ms = note.expires_at_ms;
  return SSL_TICKET_RETURN_USE;
}

static void on_info(const SSL *ssl, int where, int value) {
  if (!(where & SSL_CB_ALERT)) return;
  dtls_session *session = session_of(ssl);
  session->alert = value & 0xff;
  session->alert_origin = where & SSL_CB_READ ? DTLS_FROM_PEER : DTLS_FROM_US;
}

static bool set_suites(SSL_CTX *ssl_ctx, const dtls_settings *settings) {
  char list[256] = "";
  if (settings->suite_count == 0 || settings->suite_count > sizeof suites / sizeof *suites) return false;
  for (size_t i = 0; i < settings->suite_count; i++) {
    const char *name = suite_name(settings->suites[i]);
    if (name == NULL) return false;
    if (i > 0) strcat(list, ":");
    strcat(list, name);
  }
  return SSL_CTX_set_cipher_list(ssl_ctx, list) == 1;
}

static bool set_server(SSL_CTX *ssl_ctx, const dtls_settings *settings) {
  static const unsigned char id_context[] = "fieldgate";
  SSL_CTX_set_options(ssl_ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_psk_server_callback(ssl_ctx, server_psk);
  SSL_CTX_set_cookie_generate_cb(ssl_ctx, cookie_generate);
  SSL_CTX_set_cookie_verify_cb(ssl_ctx, cookie_verify);
  SSL_CTX_set_client_hello_cb(ssl_ctx, on_client_hello, NULL);
  SSL_CTX_set_tlsext_servername_callback(ssl_ctx, on_server_name);
  if (settings->resumption_seconds == 0) SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_TICKET);
  SSL_CTX_set_timeout(ssl_ctx, (long)settings->resumption_seconds);
  return SSL_CTX_set_session_ticket_cb(ssl_ctx, write_ticket, read_ticket, NULL) == 1 &&
         SSL_CTX_set_session_id_context(ssl_ctx, id_context, sizeof id_context - 1) == 1 &&
         (settings->identity_hint == NULL || SSL_CTX_use_psk_identity_hint(ssl_ctx, settings->identity_hint) == 1);
}

dtls_context *dtls_context_new(const dtls_settings *settings) {
  pthread_once(&library_once, open_library);
  ERR_clear_error();
  const char *hint = settings->identity_hint;
  if (hint != NULL && strnlen(hint, DTLS_IDENTITY_MAX + 1) > DTLS_IDENTITY_MAX) return NULL;
  dtls_context *context = OPENSSL_zalloc(sizeof *context);
  if (context == NULL) return NULL;
  context->references = 1;
  context->is_server = settings->is_server;
  context->resumption_seconds = settings->resumption_seconds;
  if (hint != NULL) strcpy(context->identity_hint, hint);
  SSL_CTX *ssl_ctx = SSL_CTX_new(settings->is_server ? DTLS_server_method() : DTLS_client_method());
  context->ssl_ctx = ssl_ctx;
  bool ready = ssl_ctx != NULL && SSL_CTX_set_min_proto_version(ssl_ctx, DTLS1_2_VERSION) == 1 &&
               SSL_CTX_set_max_proto_version(ssl_ctx, DTLS1_2_VERSION) == 1;
  if (ready) {
    // Newer OpenSSL counts the eight octets of CCM_8's tag as level 0. Version, suites and groups are named one by one
    // here, so the level has nothing left to decide.
    SSL_CTX_set_security_level(ssl_ctx, 0);
    SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_info_callback(ssl_ctx, on_info);
    ready = SSL_CTX_set1_groups_list(ssl_ctx, "X25519:P-256:P-384") == 1 && set_suites(ssl_ctx, settings);
    if (settings->is_server) ready = ready && set_server(ssl_ctx, settings);
    else SSL_CTX_set_psk_client_callback(ssl_ctx, client_psk);
  }
  if (ready) return context;
  dtls_context_free(context);
  return NULL;
}

void dtls_context_free(dtls_context *context) {
  if (context == NULL || --context->references > 0) return;
  SSL_CTX_free(context->ssl_ctx);
  OPENSSL_free(context);
}
