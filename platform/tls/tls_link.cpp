// SPDX-License-Identifier: Apache-2.0
#include "platform/tls/tls_link.h"

#include "platform/crypto/key.h"
#include "platform/crypto/pem.h"

namespace latchkey::tls {
namespace {

constexpr ports::MonotonicMs kCloseWithinMs = 2'000;
constexpr std::size_t kPiece = 64;  // bytes taken from TLS at a time; on the stack below all that a message causes
constexpr std::size_t kShown = 2;   // leaf and issuing CA: the server has the rest

}  // namespace

TlsLink::TlsLink(const Options& options, ByteStream& stream, ports::Storage& storage, const ports::Clock& clock,
                 ports::MqttLinkEvents& events)
    : options_(options),
      stream_(stream),
      storage_(storage),
      clock_(clock),
      events_(events),
      tls_(options.trust_anchor, stream),
      client_(options.in, options.out, events) {}

Result<void> TlsLink::connect(const ports::LinkRequest& request) {
  if (stage_ != Stage::kIdle) return fail(Status::kBusy);
  LATCHKEY_TRY_VOID(begin_tls(request));
  auto opened = client_.open(request, clock_.monotonic());
  if (!opened) {
    tls_.end();
    return opened;
  }
  // A network that is not there is no fault of the credential: poll() finds the stream closed and says unreachable.
  (void)stream_.open(request.host, request.port);
  was_up_ = false;
  handshake_cycles_ = 0;
  stage_ = Stage::kOpening;
  return {};
}

Result<void> TlsLink::begin_tls(const ports::LinkRequest& request) {
  switch (request.identity) {
    case ports::LinkIdentity::kNone: return tls_.begin(request.host, nullptr);
    case ports::LinkIdentity::kSlotA: return begin_with_slot(request.host, ports::Item::kSlotA);
    case ports::LinkIdentity::kSlotB: return begin_with_slot(request.host, ports::Item::kSlotB);
    case ports::LinkIdentity::kOnboarding: break;
  }
  return fail(Status::kUnsupported);
}

Result<void> TlsLink::begin_with_slot(std::string_view host, ports::Item item) {
  // The record lies in the front of the message buffer, its certificates are decoded behind it.
  LATCHKEY_TRY(size, storage_.read(item, options_.in));
  const std::string_view record = ByteView(options_.in).subview(0, size).text();
  MutableBytes room = options_.in.subview(size, options_.in.size());
  std::array<std::uint8_t, crypto::kMaxKeySize> key;
  ClientIdentity identity;
  const auto key_block = crypto::pem_decode(record, crypto::kPemEcKey, key);
  if (!key_block) return fail(key_block.error());
  identity.key = ByteView(key.data(), key_block->der_size);
  std::string_view rest = record.substr(key_block->consumed);
  auto block = crypto::pem_decode(rest, crypto::kPemCertificate, room);
  while (block && identity.count < kShown) {
    identity.chain[identity.count++] = ByteView(room).subview(0, block->der_size);
    room = room.subview(block->der_size, room.size());
    rest.remove_prefix(block->consumed);
    block = crypto::pem_decode(rest, crypto::kPemCertificate, room);
  }
  const auto begun = identity.count > 0 ? tls_.begin(host, &identity) : fail(Status::kCorrupt);
  wipe(key);
  wipe(options_.in.subview(0, size));
  return begun;
}

void TlsLink::disconnect() {
  if (stage_ == Stage::kIdle || stage_ == Stage::kClosing) return;
  client_.disconnect();
  if (stage_ != Stage::kSession) {
    stream_.close();
  }
  stage_ = Stage::kClosing;
  closing_until_ = clock_.monotonic() + kCloseWithinMs;
}

bool TlsLink::poll() {
  switch (stage_) {
    case Stage::kIdle: return false;
    case Stage::kOpening: return poll_opening();
    case Stage::kHandshake: return poll_handshake();
    case Stage::kSession: return poll_session();
    case Stage::kClosing: return poll_closing();
  }
  return false;
}

bool TlsLink::poll_opening() {
  switch (stream_.condition()) {
    case ByteStream::Condition::kOpening: return false;
    case ByteStream::Condition::kClosed: end(ports::LinkFailure::kUnreachable, 0); return true;
    case ByteStream::Condition::kOpen: stage_ = Stage::kHandshake; return true;
  }
  return false;
}

bool TlsLink::poll_handshake() {
  const std::uint64_t before = cycles();
  const auto progress = tls_.handshake();
  handshake_cycles_ += cycles() - before;
  if (progress == TlsSession::Progress::kGoing) return false;
  if (progress == TlsSession::Progress::kFailed) {
    end(tls_.failure(), tls_.detail());
    return true;
  }
  ++figures_.handshakes;
  figures_.last_handshake_cycles = handshake_cycles_;
  stage_ = Stage::kSession;
  return true;
}

bool TlsLink::send_waiting() {
  bool moved = false;
  while (!client_.unsent().empty()) {
    const int count = tls_.send(client_.unsent());
    if (count < 0) {
      end(was_up_ ? ports::LinkFailure::kLost : ports::LinkFailure::kClosedWithoutConnack, 0);
      return true;
    }
    if (count == 0) break;
    client_.sent(static_cast<std::size_t>(count), clock_.monotonic());
    moved = true;
  }
  return moved;
}

bool TlsLink::poll_session() {
  const auto now = clock_.monotonic();
  client_.on_time(now);
  bool moved = send_waiting();
  if (stage_ != Stage::kSession) return true;
  std::array<std::uint8_t, kPiece> piece;
  const int count = tls_.receive(piece);
  if (count > 0) client_.receive(ByteView(piece.data(), static_cast<std::size_t>(count)), now);
  wipe(piece);
  if (stage_ != Stage::kSession) return true;  // an event asked to disconnect
  switch (client_.phase()) {
    case mqtt::Client::Phase::kUp: was_up_ = true; break;
    case mqtt::Client::Phase::kRefused: end(ports::LinkFailure::kRefused, client_.refusal()); return true;
    case mqtt::Client::Phase::kBroken: end(ports::LinkFailure::kLost, 0); return true;
    default: break;
  }
  if (count < 0) {
    end(was_up_ ? ports::LinkFailure::kLost : ports::LinkFailure::kClosedWithoutConnack, 0);
    return true;
  }
  return moved || count > 0;
}

bool TlsLink::poll_closing() {
  if (stream_.condition() == ByteStream::Condition::kOpen && clock_.monotonic() < closing_until_) {
    const bool moved = send_waiting();
    if (stage_ != Stage::kClosing) return true;
    if (!client_.unsent().empty()) return moved;
    tls_.close_notify();
  }
  end(ports::LinkFailure::kLost, 0);
  return true;
}

void TlsLink::end(ports::LinkFailure why, int detail) {
  tls_.end();
  stream_.close();
  client_.disconnect();
  stage_ = Stage::kIdle;
  events_.on_ended(why, detail);
}

}  // namespace latchkey::tls
