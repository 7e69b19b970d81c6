// SPDX-License-Identifier: Apache-2.0
// A TLS 1.2 client by mbedTLS over a ByteStream: ECDHE-ECDSA with AES-128-GCM, the server's certificate always
// verified, its name too. One session at a time, one thread. mbedTLS allocates from begin() to end(), nothing remains
// after.
#pragma once

#include <mbedtls/ssl.h>

#include <array>

#include "platform/ports/mqtt_link.h"
#include "platform/tls/byte_stream.h"

namespace latchkey::tls {

// What the client shows: DER, used up before begin() returns.
struct ClientIdentity {
  static constexpr std::size_t kMaxChain = 3;
  ByteView key;
  std::array<ByteView, kMaxChain> chain{};
  std::size_t count = 0;
};

class TlsSession {
 public:
  // `trust_anchor` (DER) and `stream` outlive the session.
  TlsSession(ByteView trust_anchor, ByteStream& stream) : trust_anchor_(trust_anchor), stream_(stream) {}
  ~TlsSession() { end(); }
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // kMalformed when key or certificates cannot be read, kInternal when memory is short. `identity` may be null.
  Result<void> begin(std::string_view host, const ClientIdentity* identity);
  void end();

  enum class Progress : std::uint8_t { kGoing, kDone, kFailed };
  // One step towards the session; after kFailed see failure() and detail().
  Progress handshake();
  ports::LinkFailure failure() const { return failure_; }
  int detail() const { return detail_; }

  // Bytes moved, 0: none now, negative: the session is over.
  int send(ByteView bytes);
  int receive(MutableBytes out);
  void close_notify();

 private:
  static int on_send(void* self, const unsigned char* bytes, std::size_t size);
  static int on_receive(void* self, unsigned char* out, std::size_t size);
  static int on_verify(void* self, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags);
  Result<void> configure(const ClientIdentity* identity);
  Result<void> load(const ClientIdentity& identity);
  void explain(int code);

  const ByteView trust_anchor_;
  ByteStream& stream_;
  bool begun_ = false;
  mbedtls_ssl_context ssl_;
  mbedtls_ssl_config config_;
  mbedtls_x509_crt trust_;
  mbedtls_x509_crt own_;
  mbedtls_pk_context key_;
  std::array<char, 129> host_{};
  std::array<std::uint8_t, 4> address_{};  // of a host that is an IPv4 address
  bool host_is_address_ = false;
  std::size_t under_way_ = 0;  // bytes that send() was given and that wait for the stream
  ports::LinkFailure failure_ = ports::LinkFailure::kLocal;
  int detail_ = 0;
};

}  // namespace latchkey::tls
