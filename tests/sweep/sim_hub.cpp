// SPDX-License-Identifier: Apache-2.0
#include "tests/sweep/sim_hub.h"

#include "agent/core/record.h"
#include "agent/protocol/sas.h"
#include "platform/crypto/certificate.h"
#include "platform/crypto/pem.h"

namespace latchkey::sweep {
namespace {

// One for all: its keys take longer to make than a life takes to live.
test::TestAuthority& authority() {
  static test::TestAuthority shared;
  return shared;
}

std::string text_of(ByteView bytes) { return std::string(bytes.text()); }

std::string serial_of(ByteView der) {
  const auto leaf = crypto::inspect_leaf(der);
  return leaf ? text_of(leaf->serial()) : std::string();
}

std::optional<std::string> read_serial(const std::string& text) {
  const auto record = agent::parse_record(ByteView(text));
  crypto::DeviceKey key;
  if (!record || record->state == agent::RecordState::kPending || !agent::read_key(*record, key)) return std::nullopt;
  std::array<std::uint8_t, agent::kMaxCertificate> der;
  const auto size = agent::read_block(*record, crypto::kPemCertificate, 0, der);
  if (!size) return std::nullopt;
  return serial_of(ByteView(der).subview(0, *size));
}

// The leaf's serial; nothing unless a link could load key and chain. Texts are shown again and again, and to read a key
// takes milliseconds.
std::optional<std::string> shown_serial(const std::string& text) {
  static std::map<std::string, std::optional<std::string>> known;
  const auto found = known.find(text);
  return found != known.end() ? found->second : known.emplace(text, read_serial(text)).first->second;
}

}  // namespace

bool SimHub::accepts(const std::string& record) const {
  const auto serial = shown_serial(record);
  const auto entry = serial ? ledger_.find(*serial) : ledger_.end();
  if (entry == ledger_.end() || entry->second.spoilt || !enabled_) return false;
  return entry->second.id == current_id_ && now() >= entry->second.not_before && now() <= entry->second.not_after;
}

Verdict SimHub::admit_to_dps(const std::string& token) {
  if (manners.admission) return manners.admission(true);
  const auto parsed = agent::sas::parse(token);
  const UnixMs left = parsed ? static_cast<UnixMs>(parsed->expiry_s) * 1000 - now() : 0;
  const bool good = left > 0;
  if (good) longest_token_ms_ = std::max(longest_token_ms_, left);
  return {good, ports::LinkFailure::kRefused, 5};
}

Verdict SimHub::admit_to_hub(const std::optional<std::string>& record) const {
  if (manners.admission) {
    const Verdict bent = manners.admission(false);
    if (!bent.accepted) return bent;
  }
  if (!record || !shown_serial(*record)) return {false, ports::LinkFailure::kLocal, 0};
  return {accepts(*record), ports::LinkFailure::kRefused, 5};
}

std::vector<std::string> SimHub::issue(const std::string& csr, test::LeafOptions options) {
  if (options.not_before == 0) options.not_before = now() - kBackdatedMs;
  if (options.not_after == 0) options.not_after = now() + static_cast<UnixMs>(lifetime_ms);
  const auto chain = authority().issue(csr, options);
  ++issued_;
  if (ids_ == Ids::kNewestOnly) revoke();
  const test::Der leaf = test::from_base64(chain.front());
  ledger_[serial_of(ByteView(leaf))] = {current_id_, std::exchange(spoil_next_, false), options.not_before,
                                        options.not_after};
  return chain;
}

Answer SimHub::register_device(const std::string& csr) {
  if (manners.registration) return manners.registration(*this, csr);
  if (!enabled_) return {200, R"({"operationId":"","status":"disabled"})"};
  return {200, test::assigned_body(std::string(kHubHost) + ":8883", kDevice, issue(csr))};
}

// The same request again is the same operation: it gets the same certificate.
Answer SimHub::renew(const std::string& request_id, const std::string& csr) {
  if (manners.renewal) return manners.renewal(*this, csr);
  auto done = done_.find(request_id);
  if (done == done_.end()) done = done_.emplace(request_id, issue(csr)).first;
  return {200, test::certificates_body(done->second)};
}

}  // namespace latchkey::sweep
