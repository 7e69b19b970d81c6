// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/service/authorities.h"

#include <openssl/rand.h>

#include <algorithm>
#include <cstdlib>
#include <future>

#include "hub/signing/certificates/revocation_list.h"
#include "hub/text/encoding.h"

namespace latchkey::hub::signing {
namespace {

using registry::Call;
using registry::Nothing;
using registry::Reason;
using registry::refuse;
using registry::signing::Authority;
using registry::signing::AuthorityRole;
using registry::signing::CertificateRows;

constexpr UnixMs kDayMs = 24LL * 60 * 60 * 1000;
// Whole years would be calendars; a rehearsal may set its clock far ahead.
constexpr UnixMs kRootLifeMs = 40 * 365 * kDayMs;
constexpr int kIssuingLives = 3;  // times as long as it is used
constexpr UnixMs kTimestamperLifeMs = 20 * 365 * kDayMs;
constexpr TrustKind kRootKinds[] = {TrustKind::kPublic, TrustKind::kPublicTest, TrustKind::kPrivate,
                                    TrustKind::kTimestamp};
constexpr TrustKind kSigningKinds[] = {TrustKind::kPublic, TrustKind::kPublicTest, TrustKind::kPrivate};

// A day back: clocks of those who verify are not ours.
Window window_from(UnixMs now, UnixMs life) {
  const UnixMs begin = now / 1000 * 1000 - kDayMs;
  return {begin, begin + life};
}

// What a root certifies does not outlive it.
Window within(const Authorities::Ca& root, Window window) {
  const Window outer = window_of(root.certificate.get());
  return {std::max(window.not_before, outer.not_before), std::min(window.not_after, outer.not_after)};
}

bool is_in_use(const Window& window, UnixMs use, UnixMs now) {
  return now >= window.not_before && now <= window.not_after && now - window.not_before < use;
}

Authority row_of(const Authorities::Ca& ca, AuthorityRole role, const Uuid& issuer, const std::string& key_ref) {
  Authority row;
  row.id = ca.id;
  row.role = role;
  row.trust = static_cast<int>(ca.trust);
  row.issuer = issuer;
  row.serial = serial_of(ca.certificate.get());
  row.der = certificate_der(ca.certificate.get());
  row.key_ref = key_ref;
  const Window window = window_of(ca.certificate.get());
  row.not_before = window.not_before;
  row.not_after = window.not_after;
  row.list_due = role != AuthorityRole::kTimestamper;
  return row;
}

void fill_random(std::uint8_t* out, int size) {
  if (RAND_bytes(out, size) != 1) std::abort();  // predictable numbers would be worse
}

Answer<std::shared_ptr<const TimestampAuthority>> timestamper_of(const Authority& row, const SigningKey& key,
                                                                 ServiceClock clock) {
  EVP_PKEY_up_ref(key.get());
  auto made = TimestampAuthority::make(certificate_from_der(row.der), openssl::PkeyPtr(key.get()), nullptr, {},
                                       std::move(clock));
  if (!made) return fail(refusal_of(made.error()));
  return std::make_shared<const TimestampAuthority>(std::move(*made));
}

// In the order of the kinds, made side by side.
Answer<std::vector<KeyStore::Kept>> make_keys(KeyStore& keys, const std::vector<KeyKind>& kinds) {
  std::vector<std::future<Answer<KeyStore::Kept>>> under_way;
  for (const KeyKind kind : kinds) {
    under_way.push_back(std::async(std::launch::async, [&keys, kind] { return keys.make(kind); }));
  }
  std::vector<KeyStore::Kept> made;
  for (auto& one : under_way) {
    LATCHKEY_TRY(kept, one.get());
    made.push_back(std::move(kept));
  }
  return made;
}

}  // namespace

Uuid random_id() {
  Uuid id;
  fill_random(id.bytes.data(), static_cast<int>(id.bytes.size()));
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x40);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

Bytes random_serial() {
  Bytes serial(16);
  fill_random(serial.data(), static_cast<int>(serial.size()));
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x3f) | 0x40);
  return serial;
}

registry::Refusal refusal_of(const Error& error) {
  const bool bad_input = band(error.status) == Status::kInvalidArgument;
  return {bad_input ? Reason::kInvalidArgument : Reason::kInternal, error.detail};
}

Answer<std::unique_ptr<Authorities>> Authorities::open(CertificateRows& rows, KeyStore& keys, ServiceClock clock,
                                                       Options options, const registry::Call& call) {
  std::unique_ptr<Authorities> made(new Authorities(rows, keys, std::move(clock), std::move(options)));
  LATCHKEY_TRY(named, rows.key_refs());
  LATCHKEY_TRY_VOID(keys.erase_unnamed({named.begin(), named.end()}));
  LATCHKEY_TRY(known, rows.authorities());
  if (known.empty()) {
    LATCHKEY_TRY_VOID(made->make(call));
  } else {
    LATCHKEY_TRY_VOID(made->load(known));
  }
  LATCHKEY_TRY_VOID(made->publish_lists());
  return made;
}

Answer<Nothing> Authorities::load(const std::vector<Authority>& rows) {
  for (const Authority& row : rows) {
    if (row.key_ref.empty()) continue;  // of a former timestamper
    LATCHKEY_TRY(key, keys_.load(row.key_ref));
    if (row.role == AuthorityRole::kTimestamper) {
      LATCHKEY_TRY_VOID(take_timestamper(row, key));
      continue;
    }
    if (row.role == AuthorityRole::kIssuing) {
      LATCHKEY_TRY_VOID(load_issuing(row));
      continue;
    }
    Ca ca{row.id, static_cast<TrustKind>(row.trust), certificate_from_der(row.der), key};
    if (!ca.certificate) return refuse(Reason::kStorage, "a CA certificate of the signing service is damaged");
    roots_[ca.trust] = std::move(ca);
  }
  const bool issuing = std::ranges::all_of(kSigningKinds, [this](TrustKind kind) {
    return std::ranges::any_of(issuing_, [kind](const Ca& ca) { return ca.trust == kind; });
  });
  const bool complete = roots_.size() == 4 && issuing && timestamper_.authority;
  if (!complete) return refuse(Reason::kStorage, "certificates of the signing service are missing");
  return Nothing{};
}

// All in one transaction: either the service has its certificates or it has none, and then no key names them.
Answer<Nothing> Authorities::make(const registry::Call& call) {
  const UnixMs now = clock_();
  std::vector<KeyKind> kinds(std::size(kRootKinds) + std::size(kSigningKinds), options_.ca_key);
  kinds.push_back(options_.timestamper_key);
  LATCHKEY_TRY(made_keys, make_keys(keys_, kinds));
  auto kept = made_keys.begin();
  std::vector<Authority> rows;
  for (const TrustKind kind : kRootKinds) {
    auto made = make_root(kind, kept->key.get(), random_serial(), window_from(now, kRootLifeMs));
    if (!made) return fail(refusal_of(made.error()));
    Ca& root = roots_[kind] = {random_id(), kind, std::move(*made), kept->key};
    rows.push_back(row_of(root, AuthorityRole::kRoot, root.id, kept->key_ref));
    ++kept;
  }
  for (const TrustKind kind : kSigningKinds) LATCHKEY_TRY_VOID(make_issuing_ca(kind, *kept++, rows));
  LATCHKEY_TRY_VOID(make_timestamper(*kept, rows));
  LATCHKEY_TRY_VOID(rows_.add_authorities(call, rows));
  for (const Authority& row : rows) {
    if (row.role == AuthorityRole::kIssuing) LATCHKEY_TRY_VOID(load_issuing(row));
  }
  LATCHKEY_TRY(key, keys_.load(rows.back().key_ref));
  return take_timestamper(rows.back(), key);
}

// Row and certificate; it is not among those that certify before its row is durable.
Answer<Nothing> Authorities::make_issuing_ca(TrustKind kind, const KeyStore::Kept& kept, std::vector<Authority>& rows) {
  const Ca& root = roots_.at(kind);
  const Window window = within(root, window_from(clock_(), kIssuingLives * options_.issuing_use_ms));
  auto made = make_issuing(kind, root.issuer(), kept.key.get(), random_serial(), window, addresses_below(root));
  if (!made) return fail(refusal_of(made.error()));
  const Ca ca{random_id(), kind, std::move(*made), kept.key};
  rows.push_back(row_of(ca, AuthorityRole::kIssuing, root.id, kept.key_ref));
  return Nothing{};
}

Answer<Nothing> Authorities::make_timestamper(const KeyStore::Kept& kept, std::vector<Authority>& rows) {
  const Ca& root = roots_.at(TrustKind::kTimestamp);
  const Window window = within(root, window_from(clock_(), kTimestamperLifeMs));
  auto made = signing::make_timestamper("Latchkey Test TSA - Not For Production", kept.key.get(), random_serial(),
                                        window, root.issuer(), addresses_below(root));
  if (!made) return fail(refusal_of(made.error()));
  const Ca timestamper{random_id(), TrustKind::kTimestamp, std::move(*made), kept.key};
  rows.push_back(row_of(timestamper, AuthorityRole::kTimestamper, root.id, kept.key_ref));
  return Nothing{};
}

// The one that stamps; the one before, if there is one, is former. They come oldest first.
Answer<Nothing> Authorities::take_timestamper(const Authority& row, const SigningKey& key) {
  LATCHKEY_TRY(authority, timestamper_of(row, key, clock_));
  Timestamper taken{row.serial, row.key_ref, {row.not_before, row.not_after}, std::move(authority)};
  const std::lock_guard lock(stamping_);
  if (timestamper_.authority) former_.push_back(std::move(timestamper_));
  timestamper_ = std::move(taken);
  return Nothing{};
}

std::shared_ptr<const TimestampAuthority> Authorities::timestamper() const {
  const std::lock_guard lock(stamping_);
  return timestamper_.authority;
}

// Its row is durable before it stamps, its key before its row; the key of the one before goes last. A crash leaves two
// with a key at the most, of which load() takes the younger.
Answer<Nothing> Authorities::renew_timestamper(const registry::Call& call) {
  const UnixMs now = clock_();
  if (!is_in_use(timestamper_.window, options_.timestamper_use_ms, now)) {
    const Window outer = window_of(roots_.at(TrustKind::kTimestamp).certificate.get());
    if (now <= outer.not_before || now >= outer.not_after) {
      return refuse(Reason::kPreconditionFailed, "the timestamping root is not valid now");
    }
    LATCHKEY_TRY(kept, keys_.make(options_.timestamper_key));
    std::vector<Authority> rows;
    LATCHKEY_TRY_VOID(make_timestamper(kept, rows));
    LATCHKEY_TRY_VOID(rows_.add_authorities(call, rows));
    LATCHKEY_TRY(key, keys_.load(rows.back().key_ref));
    LATCHKEY_TRY_VOID(take_timestamper(rows.back(), key));
  }
  return erase_former_timestampers();
}

Answer<Nothing> Authorities::renew_issuing(const Call& call) {
  Answer<Nothing> answer = Nothing{};
  for (const TrustKind kind : kSigningKinds) {
    const Ca* const ca = in_validity(kind, clock_());
    if (ca != nullptr && is_in_use(window_of(ca->certificate.get()), options_.issuing_use_ms, clock_())) continue;
    auto renewed = renew_issuing_ca(kind, call);
    if (!renewed && answer) answer = std::move(renewed);
  }
  return answer;
}

// Key, row, certificate, as everywhere; its list follows at once, as what it certifies will name it.
Answer<Nothing> Authorities::renew_issuing_ca(TrustKind kind, const Call& call) {
  const UnixMs now = clock_();
  const Window outer = window_of(roots_.at(kind).certificate.get());
  if (now <= outer.not_before || now >= outer.not_after) {
    return refuse(Reason::kPreconditionFailed, "the root '" + std::string(name_of(kind)) + "' is not valid now");
  }
  // One that ends with its root stays to the end: another one could live no longer.
  const Ca* const last = in_validity(kind, now);
  if (last != nullptr && window_of(last->certificate.get()).not_after == outer.not_after) return Nothing{};
  LATCHKEY_TRY(kept, keys_.make(options_.ca_key));
  std::vector<Authority> rows;
  LATCHKEY_TRY_VOID(make_issuing_ca(kind, kept, rows));
  LATCHKEY_TRY_VOID(rows_.add_authorities(call, rows));
  LATCHKEY_TRY_VOID(load_issuing(rows.back()));
  return publish_lists();
}

Answer<Nothing> Authorities::load_issuing(const Authority& row) {
  LATCHKEY_TRY(key, keys_.load(row.key_ref));
  Ca ca{row.id, static_cast<TrustKind>(row.trust), certificate_from_der(row.der), key};
  if (!ca.certificate) return refuse(Reason::kStorage, "a CA certificate of the signing service is damaged");
  const std::lock_guard lock(issuing_change_);
  issuing_.push_back(std::move(ca));
  return Nothing{};
}

// The youngest of those that are valid; null when none is.
const Authorities::Ca* Authorities::in_validity(TrustKind kind, UnixMs now) const {
  const std::lock_guard lock(issuing_change_);
  const Ca* found = nullptr;
  for (const Ca& ca : issuing_) {
    const Window window = window_of(ca.certificate.get());
    const bool valid = ca.trust == kind && now >= window.not_before && now <= window.not_after;
    if (valid && (found == nullptr || window.not_before >= window_of(found->certificate.get()).not_before)) found = &ca;
  }
  return found;
}

const Authorities::Ca& Authorities::issuing(TrustKind kind) const {
  if (const Ca* const valid = in_validity(kind, clock_())) return *valid;
  const std::lock_guard lock(issuing_change_);
  return *std::ranges::find_if(issuing_.rbegin(), issuing_.rend(), [kind](const Ca& ca) { return ca.trust == kind; });
}

std::vector<Uuid> Authorities::ids() const {
  std::vector<Uuid> ids;
  for (const auto& [kind, ca] : roots_) ids.push_back(ca.id);
  const std::lock_guard lock(issuing_change_);
  for (const Ca& ca : issuing_) ids.push_back(ca.id);
  return ids;
}

Answer<Nothing> Authorities::erase_former_timestampers() {
  while (!former_.empty()) {
    LATCHKEY_TRY_VOID(keys_.erase(former_.back().key_ref));
    LATCHKEY_TRY_VOID(rows_.forget_key(former_.back().serial));
    former_.pop_back();
  }
  return Nothing{};
}

Addresses Authorities::addresses_below(const Ca& ca) const {
  if (options_.base.empty()) return {};
  const std::string id = text::uuid_text(ca.id);
  return {options_.base + "/crl/" + id + ".crl", options_.base + "/ca/" + id + ".cer", options_.base + "/ocsp"};
}

const Authorities::Ca* Authorities::find(const Uuid& id) const {
  for (const auto& [kind, ca] : roots_) {
    if (ca.id == id) return &ca;
  }
  const std::lock_guard lock(issuing_change_);
  const auto found = std::ranges::find(issuing_, id, &Ca::id);
  return found == issuing_.end() ? nullptr : &*found;
}

std::optional<Bytes> Authorities::certificate(const Uuid& id) const {
  const Ca* ca = find(id);
  return ca == nullptr ? std::nullopt : std::optional(certificate_der(ca->certificate.get()));
}

Answer<Bytes> Authorities::list(const Uuid& id) {
  LATCHKEY_TRY(rows, rows_.authorities());
  for (Authority& row : rows) {
    if (row.id == id && !row.list.empty()) return std::move(row.list);
  }
  return refuse(Reason::kNotFound, "there is no list of that authority");
}

Answer<Nothing> Authorities::publish_lists() {
  const std::lock_guard lock(publishing_);
  LATCHKEY_TRY(rows, rows_.authorities());
  const UnixMs now = clock_();
  for (const Authority& row : rows) {
    if (row.role == AuthorityRole::kTimestamper) continue;
    // A clock that was set back makes lists that have not begun.
    const bool begun = row.list_refresh - options_.list_lifetime_ms / 2 <= now;
    if (row.list_due || now >= row.list_refresh || !begun) LATCHKEY_TRY_VOID(publish(row));
  }
  return Nothing{};
}

// A revocation that comes between order and signature makes it necessary to order again; there is an end to that.
Answer<Nothing> Authorities::publish(const Authority& row) {
  const Ca* ca = find(row.id);
  if (ca == nullptr) return refuse(Reason::kInternal, "a list is due of an authority that is not here");
  constexpr int kTries = 10;
  for (int i = 0; i < kTries; ++i) {
    LATCHKEY_TRY(order, rows_.list_order(row.id));
    std::vector<RevokedCertificate> entries;
    for (const auto& entry : order.entries) {
      // Unspecified is left out of the entry (RFC 5280 section 5.3.1).
      const auto reason = static_cast<RevocationReason>(entry.reason);
      entries.push_back(
          {entry.serial,
           {entry.effective_at,
            reason == RevocationReason::kUnspecified ? std::nullopt : std::optional<RevocationReason>(reason)}});
    }
    const UnixMs now = clock_() / 1000 * 1000;
    auto list = make_revocation_list(ca->issuer(), {order.number, now, now + options_.list_lifetime_ms}, entries);
    if (!list) return fail(refusal_of(list.error()));
    auto put = rows_.put_list(row.id, order, *list, now + options_.list_lifetime_ms / 2);
    if (put) return Nothing{};
    if (put.error().reason != Reason::kPreconditionFailed) return fail(put.error());
  }
  return refuse(Reason::kStorage, "a revocation list could not be made: revocations came too fast");
}

}  // namespace latchkey::hub::signing
