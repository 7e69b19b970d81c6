// SPDX-License-Identifier: Apache-2.0
#include "platform/tls/tls_session.h"

#include <algorithm>
#include <cstring>

#include "platform/tls/compat.h"
#include "platform/tls/ipv4.h"

namespace latchkey::tls {
namespace {

constexpr int kSuites[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 0};
constexpr int kTlsIpAddress = 7;  // GeneralName, RFC 5280 section 4.2.1.6
constexpr int kNumberMask = 0x1F;

// Does the certificate name that address? mbedTLS 2.28 looks at DNS names alone.
bool names_address(const mbedtls_x509_crt& certificate, const std::array<std::uint8_t, 4>& address) {
  for (const mbedtls_x509_sequence* name = &certificate.subject_alt_names; name != nullptr; name = name->next) {
    if ((name->buf.tag & kNumberMask) == kTlsIpAddress && name->buf.len == address.size() &&
        std::memcmp(name->buf.p, address.data(), address.size()) == 0) {
      return true;
    }
  }
  return false;
}

// Our own certificate was judged when it was issued; what it says critically is for the hub.
int accept_extension(void*, const mbedtls_x509_crt*, const mbedtls_x509_buf*, int, const unsigned char*,
                     const unsigned char*) {
  return 0;
}

}  // namespace

Result<void> TlsSession::begin(std::string_view host, const ClientIdentity* identity) {
  end();
  if (host.size() >= host_.size()) return fail(Status::kInvalidArgument);
  std::memcpy(host_.data(), host.data(), host.size());
  host_[host.size()] = '\0';
  const auto address = parse_ipv4(host);
  host_is_address_ = address.has_value();
  if (address) address_ = *address;

  mbedtls_ssl_init(&ssl_);
  mbedtls_ssl_config_init(&config_);
  mbedtls_x509_crt_init(&trust_);
  mbedtls_x509_crt_init(&own_);
  mbedtls_pk_init(&key_);
  begun_ = true;
  failure_ = ports::LinkFailure::kLocal;
  detail_ = 0;
  under_way_ = 0;
  auto configured = configure(identity);
  if (!configured) end();
  return configured;
}

Result<void> TlsSession::configure(const ClientIdentity* identity) {
  if (mbedtls_x509_crt_parse_der_nocopy(&trust_, trust_anchor_.data(), trust_anchor_.size()) != 0) {
    return fail(Status::kMalformed);
  }
  if (mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                  MBEDTLS_SSL_PRESET_DEFAULT) != 0) {
    return fail(Status::kInternal);
  }
  compat::set_random(&config_);
  compat::set_version(&config_);
  mbedtls_ssl_conf_ciphersuites(&config_, kSuites);
  mbedtls_ssl_conf_authmode(&config_, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_ca_chain(&config_, &trust_, nullptr);
  mbedtls_ssl_conf_verify(&config_, on_verify, this);
  compat::ask_for_4k_records(&config_);
  if (identity != nullptr) LATCHKEY_TRY_VOID(load(*identity));
  if (mbedtls_ssl_setup(&ssl_, &config_) != 0) return fail(Status::kInternal);
  // An address is no server name (RFC 6066 section 3) and is compared in on_verify.
  if (mbedtls_ssl_set_hostname(&ssl_, host_is_address_ ? nullptr : host_.data()) != 0) return fail(Status::kInternal);
  mbedtls_ssl_set_bio(&ssl_, this, on_send, on_receive, nullptr);
  return {};
}

Result<void> TlsSession::load(const ClientIdentity& identity) {
  constexpr int kCopy = 1;
  for (std::size_t i = 0; i < identity.count; ++i) {
    const ByteView der = identity.chain[i];
    if (mbedtls_x509_crt_parse_der_with_ext_cb(&own_, der.data(), der.size(), kCopy, accept_extension, nullptr) != 0) {
      return fail(Status::kMalformed);
    }
  }
  if (compat::parse_key(&key_, identity.key.data(), identity.key.size()) != 0) return fail(Status::kMalformed);
  if (mbedtls_ssl_conf_own_cert(&config_, &own_, &key_) != 0) return fail(Status::kInternal);
  return {};
}

void TlsSession::end() {
  if (!begun_) return;
  begun_ = false;
  mbedtls_ssl_free(&ssl_);
  mbedtls_ssl_config_free(&config_);
  mbedtls_x509_crt_free(&trust_);
  mbedtls_x509_crt_free(&own_);
  mbedtls_pk_free(&key_);
}

TlsSession::Progress TlsSession::handshake() {
  const int code = mbedtls_ssl_handshake(&ssl_);
  if (code == 0) return Progress::kDone;
  if (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE) return Progress::kGoing;
  explain(code);
  return Progress::kFailed;
}

void TlsSession::explain(int code) {
  detail_ = 0;
  if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
    failure_ = ports::LinkFailure::kServerNotTrusted;
  } else if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
    failure_ = ports::LinkFailure::kTlsAlert;
    detail_ = compat::alert_of(ssl_);
  } else if (code == MBEDTLS_ERR_SSL_CONN_EOF || code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
    failure_ = ports::LinkFailure::kTlsAlert;
  } else if (code == MBEDTLS_ERR_SSL_ALLOC_FAILED) {
    failure_ = ports::LinkFailure::kLocal;
  } else {
    failure_ = ports::LinkFailure::kServerNotTrusted;  // what came was no TLS that we take
    detail_ = -code;
  }
}

int TlsSession::send(ByteView bytes) {
  // What is under way is offered again as it was, and there may be more behind it by now: for that mbedtls_ssl_write
  // would say "sent" and send nothing.
  const ByteView part = under_way_ != 0 ? bytes.subview(0, under_way_) : bytes;
  const int count = mbedtls_ssl_write(&ssl_, part.data(), part.size());
  const bool waits = count == MBEDTLS_ERR_SSL_WANT_READ || count == MBEDTLS_ERR_SSL_WANT_WRITE;
  under_way_ = waits ? part.size() : 0;
  return waits ? 0 : count;
}

int TlsSession::receive(MutableBytes out) {
  const int count = mbedtls_ssl_read(&ssl_, out.data(), out.size());
  if (count > 0) return count;
  if (count == MBEDTLS_ERR_SSL_WANT_READ || count == MBEDTLS_ERR_SSL_WANT_WRITE) return 0;
#if defined(MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
  if (count == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) return 0;
#endif
  return count == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : count;
}

void TlsSession::close_notify() {
  if (begun_) (void)mbedtls_ssl_close_notify(&ssl_);
}

int TlsSession::on_send(void* self, const unsigned char* bytes, std::size_t size) {
  auto& stream = static_cast<TlsSession*>(self)->stream_;
  if (stream.condition() != ByteStream::Condition::kOpen) return MBEDTLS_ERR_SSL_CONN_EOF;
  const std::size_t count = stream.send({bytes, size});
  return count == 0 ? MBEDTLS_ERR_SSL_WANT_WRITE : static_cast<int>(count);
}

int TlsSession::on_receive(void* self, unsigned char* out, std::size_t size) {
  auto& stream = static_cast<TlsSession*>(self)->stream_;
  const std::size_t count = stream.receive({out, size});
  if (count > 0) return static_cast<int>(count);
  return stream.condition() == ByteStream::Condition::kOpen ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_CONN_EOF;
}

int TlsSession::on_verify(void* self, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags) {
  const auto& session = *static_cast<const TlsSession*>(self);
  if (depth == 0 && session.host_is_address_) {
    *flags &= ~static_cast<std::uint32_t>(MBEDTLS_X509_BADCERT_CN_MISMATCH);
    if (!names_address(*certificate, session.address_)) *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
  }
  return 0;
}

}  // namespace latchkey::tls
