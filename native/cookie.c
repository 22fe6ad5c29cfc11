/* The cookie of HelloVerifyRequest: a peer proves that it receives at its address before anything is kept for it.
 * RFC 6347 section 4.2.1. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "engine.h"

/** SHA-256; OpenSSL takes cookies of up to 255 octets. */
enum { cookie_length = 32 };

static bool cookie_of(SSL *ssl, unsigned char *cookie) {
  const dtls_session *session = SSL_get_app_data(ssl);
  if (session->cookie_secret == NULL || session->peer == NULL) return false;
  unsigned int length = 0;
  return HMAC(EVP_sha256(), session->cookie_secret, DTLS_COOKIE_SECRET_LENGTH, session->peer, session->peer_length,
              cookie, &length) != NULL &&
         length == cookie_length;
}

int cookie_generate(SSL *ssl, unsigned char *cookie, unsigned int *length) {
  *length = cookie_length;
  return cookie_of(ssl, cookie);
}

int cookie_verify(SSL *ssl, const unsigned char *cookie, unsigned int length) {
  unsigned char expected[EVP_MAX_MD_SIZE];
  return length == cookie_length && cookie_of(ssl, expected) && CRYPTO_memcmp(expected, cookie, cookie_length) == 0;
}
