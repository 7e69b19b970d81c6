// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/tls_hook.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>

#include "hub/gate/trust.h"

namespace latchkey::hub::gate {
namespace {

constexpr int kMaxDepth = 4;      // leaf, issuing CA, root, and one to spare
constexpr int kMaxPresented = 8;  // certificates kept of what a client presents
constexpr std::size_t kMaxPresentedBytes = 32 * 1024;

// OpenSSL's callbacks carry no context of ours through SSL_new(), so the policy is found here.
TlsPolicy* g_policy = nullptr;
int g_ssl_index = -1;
int g_leaf_index = -1;      // stays registered for ever: leaves may outlive the gate
int g_security_level = -1;  // of handshakes: which keys and digests are too weak

void free_verdict(void*, void* verdict, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<TlsVerdict*>(verdict); }

void record_error(TlsVerdict& verdict, int error) {
  switch (error) {
    case X509_V_OK: return;
    case X509_V_ERR_CERT_HAS_EXPIRED: verdict.expired = true; return;
    case X509_V_ERR_CERT_NOT_YET_VALID: verdict.not_yet_valid = true; return;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_REJECTED: verdict.untrusted = true; return;
    default: verdict.malformed = true; return;
  }
}

std::vector<wire::Bytes> presented(X509_STORE_CTX* context) {
  std::vector<wire::Bytes> chain;
  std::size_t total = 0;
  STACK_OF(X509)* stack = X509_STORE_CTX_get0_untrusted(context);
  const int count = sk_X509_num(stack) < kMaxPresented ? sk_X509_num(stack) : kMaxPresented;
  for (int i = 0; i < count; ++i) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(sk_X509_value(stack, i), &der);
    if (size <= 0) break;
    const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner(der,
                                                                         [](unsigned char* p) { OPENSSL_free(p); });
    total += static_cast<std::size_t>(size);
    if (total > kMaxPresentedBytes) break;
    chain.emplace_back(der, der + size);
  }
  return chain;
}

// The verdict of this handshake. A leaf that comes with one from an earlier handshake gets a fresh one.
TlsVerdict* open_verdict(X509* leaf, X509_STORE_CTX* context) {
  auto* verdict = static_cast<TlsVerdict*>(X509_get_ex_data(leaf, g_leaf_index));
  if (verdict != nullptr && !verdict->complete) return verdict;
  auto fresh = std::make_unique<TlsVerdict>();
  if (g_policy->keeps_chain()) fresh->chain = presented(context);
  if (X509_set_ex_data(leaf, g_leaf_index, fresh.get()) != 1) return nullptr;
  delete verdict;
  return fresh.release();
}

// True as long as the verdict could be recorded. Called for every error, and once for each certificate, the leaf last.
bool record(int ok, X509_STORE_CTX* context) {
  X509* leaf = X509_STORE_CTX_get0_cert(context);
  if (leaf == nullptr || g_policy == nullptr) return false;
  TlsVerdict* verdict = open_verdict(leaf, context);
  if (verdict == nullptr) return false;
  if (ok == 0) {
    const int error = X509_STORE_CTX_get_error(context);
    record_error(*verdict, error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error);
    return true;
  }
  if (X509_STORE_CTX_get_error_depth(context) != 0) return true;
  // What OpenSSL checks after the leaf (name constraints) may still add an error: flags stay open, see open_verdict.
  STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context);
  const int length = sk_X509_num(chain);
  if (length > 0) verdict->anchor = g_policy->anchor_of(sk_X509_value(chain, length - 1));
  if (!verdict->anchor.none() && !is_device_chain(chain)) verdict->malformed = true;
  return true;
}

int on_verify(int ok, X509_STORE_CTX* context) {
  try {
    return record(ok, context) ? 1 : 0;
  } catch (...) {
    return 0;  // out of memory: TLS fails, nobody gets in
  }
}

// Runs the verification and closes the verdict: behind it nothing can add an error any more.
int verify_chain(X509_STORE_CTX* context, void*) {
  // What a failed signature leaves in OpenSSL's error queue would make the broker take the next "want read" for a
  // broken connection: TLS has to finish here, whatever we think of the certificate.
  ERR_set_mark();
  const int verified = X509_verify_cert(context);
  ERR_pop_to_mark();
  X509* leaf = X509_STORE_CTX_get0_cert(context);
  auto* verdict = leaf == nullptr ? nullptr : static_cast<TlsVerdict*>(X509_get_ex_data(leaf, g_leaf_index));
  if (verified != 1 || verdict == nullptr) return 0;
  verdict->store = X509_STORE_CTX_get0_store(context);
  verdict->complete = true;
  return 1;
}

// As a handshake does it (prepare()), but of the leaf alone: a device's hangs directly below an anchor.
bool verify_by_present_anchors(X509* leaf) {
  const std::unique_ptr<X509_STORE_CTX, void (*)(X509_STORE_CTX*)> context(X509_STORE_CTX_new(), X509_STORE_CTX_free);
  if (context == nullptr || X509_STORE_CTX_init(context.get(), g_policy->store(), leaf, nullptr) != 1 ||
      X509_STORE_CTX_set_default(context.get(), "ssl_client") != 1) {
    return false;
  }
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_depth(parameters, kMaxDepth);
  X509_VERIFY_PARAM_set_auth_level(parameters, g_security_level);
  X509_VERIFY_PARAM_set_time(parameters, static_cast<time_t>(g_policy->verification_time() / 1000));
  X509_STORE_CTX_set_verify_cb(context.get(), on_verify);
  return X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
         X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_CLIENT) == 1 &&
         verify_chain(context.get(), nullptr) == 1;
}

bool prepare(SSL* ssl) {
  X509_STORE* store = g_policy->store();
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
  g_security_level = SSL_get_security_level(ssl);
  SSL_set_verify(ssl, SSL_VERIFY_PEER, on_verify);  // ask, do not insist
  SSL_set_verify_depth(ssl, kMaxDepth);
  SSL_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX* shared = SSL_get_SSL_CTX(ssl);
  SSL_CTX_set_session_cache_mode(shared, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_cert_verify_callback(shared, verify_chain, nullptr);
  X509_VERIFY_PARAM_set_time(parameters, static_cast<time_t>(g_policy->verification_time() / 1000));
  return SSL_set1_verify_cert_store(ssl, store) == 1 && SSL_set_num_tickets(ssl, 0) == 1 &&
         X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
         X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_CLIENT) == 1;
}

// Every record that comes in, before its content is handled. Nothing may be thrown through OpenSSL.
void on_record(int sent, int, int, const void*, size_t, SSL* ssl, void*) {
  if (sent == 0 && g_policy != nullptr) g_policy->connection_heard(ssl);
}

void on_ssl_free(void* parent, void*, CRYPTO_EX_DATA*, int, long, void*) {
  if (g_policy != nullptr) g_policy->connection_closed(static_cast<SSL*>(parent));
}

// A connection that could not be prepared insists on a certificate and has no anchors: nobody gets through.
int refuse_all(int, X509_STORE_CTX*) { return 0; }

void on_ssl_new(void* parent, void*, CRYPTO_EX_DATA*, int, long, void*) {
  SSL* ssl = static_cast<SSL*>(parent);
  if (g_policy == nullptr || SSL_is_server(ssl) == 0) return;
  bool prepared = false;
  try {
    prepared = prepare(ssl);
    SSL_set_msg_callback(ssl, on_record);
    g_policy->connection_opened(ssl);
  } catch (...) {
    prepared = false;
  }
  if (!prepared) SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, refuse_all);
}

// Does a fresh connection come out of SSL_new() as the hook has to leave it?
bool works() {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (context == nullptr) return false;
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context.get()), SSL_free);
  if (ssl == nullptr) return false;
  X509_STORE* store = nullptr;
  return SSL_get_verify_mode(ssl.get()) == SSL_VERIFY_PEER && SSL_get_verify_callback(ssl.get()) == on_verify &&
         SSL_get_num_tickets(ssl.get()) == 0 && (SSL_get_options(ssl.get()) & SSL_OP_NO_TICKET) != 0 &&
         SSL_CTX_get_session_cache_mode(context.get()) == SSL_SESS_CACHE_OFF &&
         SSL_get0_verify_cert_store(ssl.get(), &store) == 1 && store == g_policy->store() &&
         (X509_VERIFY_PARAM_get_flags(SSL_get0_param(ssl.get())) & X509_V_FLAG_PARTIAL_CHAIN) != 0;
}

}  // namespace

Result<void> TlsHook::install(TlsPolicy& policy) {
  if (g_policy != nullptr) return fail(Status::kInvalidArgument);
  if (g_leaf_index < 0) g_leaf_index = X509_get_ex_new_index(0, nullptr, nullptr, nullptr, free_verdict);
  g_ssl_index = SSL_get_ex_new_index(0, nullptr, on_ssl_new, nullptr, on_ssl_free);
  if (g_leaf_index < 0 || g_ssl_index < 0) return fail(Status::kInternal);
  g_policy = &policy;
  installed_ = true;
  if (!works()) {
    remove();
    ERR_clear_error();
    return fail(Status::kInternal);
  }
  return {};
}

void TlsHook::remove() {
  if (!installed_) return;
  // The broker unloads plugins before it frees its TLS contexts: leave no callback behind.
  CRYPTO_free_ex_index(CRYPTO_EX_INDEX_SSL, g_ssl_index);
  g_policy = nullptr;
  installed_ = false;
}

void TlsHook::follow_no_more(const void* connection) {
  SSL_set_msg_callback(static_cast<SSL*>(const_cast<void*>(connection)), nullptr);
}

// What cannot be verified now leaves no complete verdict, or the one before: in both cases nobody gets in by it.
void TlsHook::judge_anew(X509* leaf) {
  const TlsVerdict* verdict = verdict_of(leaf);
  if (g_policy == nullptr || g_policy->keeps_chain() || verdict == nullptr) return;
  if (!verdict->complete || verdict->used || !verdict->untrusted) return;
  try {
    if (verdict->store != g_policy->store()) (void)verify_by_present_anchors(leaf);
  } catch (...) {  // no memory for the anchors: closed without an answer, as if they were not known yet
  }
}

TlsVerdict* TlsHook::verdict_of(X509* leaf) {
  return g_leaf_index < 0 ? nullptr : static_cast<TlsVerdict*>(X509_get_ex_data(leaf, g_leaf_index));
}

}  // namespace latchkey::hub::gate
