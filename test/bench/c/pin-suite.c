/*
 * libcoap names its cipher suites itself ("PSK:!NULL" and the like) and has no setting for them. Preloaded, this takes the
 * place of OpenSSL's two functions and gives the list of BENCH_CIPHERS instead, so that any program on libcoap offers
 * exactly one suite.
 */
#include <dlfcn.h>
#include <openssl/ssl.h>
#include <stdlib.h>

static const char *pinned(const char *list) {
  const char *suite = getenv("BENCH_CIPHERS");
  return suite ? suite : list;
}

int SSL_CTX_set_cipher_list(SSL_CTX *context, const char *list) {
  int (*real)(SSL_CTX *, const char *) = (int (*)(SSL_CTX *, const char *))dlsym(RTLD_NEXT, "SSL_CTX_set_cipher_list");
  return real(context, pinned(list));
}

int SSL_set_cipher_list(SSL *ssl, const char *list) {
  int (*real)(SSL *, const char *) = (int (*)(SSL *, const char *))dlsym(RTLD_NEXT, "SSL_set_cipher_list");
  return real(ssl, pinned(list));
}
