// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/tls_contexts.h"

#include <openssl/err.h>

#include <utility>

namespace latchkey::boards::fleet::swarm {
namespace {

thread_local Handshake* t_in_hand = nullptr;

// The server has asked for a certificate.
int show_identity(SSL* tls, void*) {
  if (t_in_hand == nullptr || t_in_hand->identity == nullptr) return 1;
  const Identity& identity = *t_in_hand->identity;
  return SSL_use_cert_and_key(tls, identity.leaf.get(), identity.key.get(), identity.chain.get(), 1);
}

int judge_server(int good, X509_STORE_CTX*) {
  if (good == 0 && t_in_hand != nullptr) t_in_hand->not_trusted = true;
  return good;
}

void hear(const SSL*, int where, int alert) {
  if (t_in_hand == nullptr) return;
  if (where == SSL_CB_HANDSHAKE_DONE) t_in_hand->done = true;
  if (where != SSL_CB_READ_ALERT) return;
  if ((alert & 0xFF) != SSL_AD_CLOSE_NOTIFY) t_in_hand->alert = alert & 0xFF;
}

}  // namespace

InHand::InHand(Handshake& handshake) : before_(std::exchange(t_in_hand, &handshake)) {}
InHand::~InHand() { t_in_hand = before_; }

Result<TlsContexts> TlsContexts::load(const std::string& trust_store) {
  ERR_clear_error();
  openssl::X509StorePtr trusted(X509_STORE_new());
  const bool good = trusted && X509_STORE_load_file(trusted.get(), trust_store.c_str()) == 1;
  ERR_clear_error();
  if (!good) return fail(Status::kNotFound);
  return TlsContexts(std::move(trusted));
}

TlsContexts::ContextPtr TlsContexts::make(const std::string& host) const {
  ContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (!context) return nullptr;
  SSL_CTX_set1_cert_store(context.get(), trusted_.get());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, judge_server);
  // SSL_VERIFY_PEER alone takes a good certificate for any name.
  X509_VERIFY_PARAM* const wanted = SSL_CTX_get0_param(context.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) != 1 &&
      X509_VERIFY_PARAM_set1_host(wanted, host.data(), host.size()) != 1) {
    return nullptr;
  }
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_cert_cb(context.get(), show_identity, nullptr);
  SSL_CTX_set_info_callback(context.get(), hear);
  ERR_clear_error();
  return context;
}

SSL_CTX* TlsContexts::for_host(std::string_view host) {
  const auto found = contexts_.find(host);
  if (found != contexts_.end()) return found->second.get();
  auto made = make(std::string(host));
  if (!made) return nullptr;
  return contexts_.emplace(std::string(host), std::move(made)).first->second.get();
}

}  // namespace latchkey::boards::fleet::swarm
