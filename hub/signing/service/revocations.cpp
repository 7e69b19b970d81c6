// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/service/revocations.h"

#include <algorithm>

namespace latchkey::hub::signing {

using registry::Call;
using registry::Nothing;
using registry::Reason;
using registry::refuse;
using registry::signing::CertificateRows;
using registry::signing::RevocationRequest;
using registry::signing::RevocationStatus;

namespace {

constexpr std::size_t kThumbprintSize = 20;
constexpr std::size_t kSerialMax = 20;

Answer<Bytes> bytes_of(std::string_view hex, std::string_view what) {
  // Serial numbers are printed with and without a leading zero.
  const std::string even = (hex.size() % 2 != 0 ? "0" : "") + std::string(hex);
  Bytes bytes(even.size() / 2);
  const auto size = hex_decode(even, {bytes.data(), bytes.size()});
  if (!size || bytes.empty()) return refuse(Reason::kInvalidArgument, "a " + std::string(what) + " is hexadecimal");
  return bytes;
}

Answer<Bytes> serial_from(std::string_view hex) {
  if (hex.size() > 2 * kSerialMax + 2) return refuse(Reason::kInvalidArgument, "a serial number has 20 octets at most");
  LATCHKEY_TRY(serial, bytes_of(hex, "serial number"));
  const auto first = std::find_if(serial.begin(), serial.end(), [](std::uint8_t octet) { return octet != 0; });
  serial.erase(serial.begin(), first);
  return serial;
}

Answer<RevocationRequest> request_from(const RevocationOrder& order) {
  RevocationRequest request;
  LATCHKEY_TRY(serial, serial_from(order.serial));
  if (order.thumbprint.size() != hex_size(kThumbprintSize)) {
    return refuse(Reason::kInvalidArgument, "a thumbprint is 40 hexadecimal digits (SHA-1)");
  }
  LATCHKEY_TRY(thumbprint, bytes_of(order.thumbprint, "thumbprint"));
  const auto reason = revocation_reason_by_name(order.reason);
  if (!reason) {
    return refuse(Reason::kInvalidArgument,
                  "a reason is one of KeyCompromised, AffiliationChanged, Superseded, CessationOfOperation, "
                  "PrivilegeWithdrawn, Unspecified");
  }
  if (order.remarks.size() > Revocations::kRemarksMax) {
    return refuse(Reason::kInvalidArgument, "remarks have 1024 bytes at most");
  }
  constexpr UnixMs kSecond = 1000;
  const UnixMs into_second = (order.effective_at % kSecond + kSecond) % kSecond;
  request.serial = std::move(serial);
  request.thumbprint = std::move(thumbprint);
  request.effective_at = order.effective_at - into_second;
  request.reason = static_cast<int>(*reason);
  request.remarks = order.remarks;
  return request;
}

}  // namespace

Answer<std::vector<registry::signing::Certificate>> Revocations::revoke(const Call& call, const ProfileFacts& profile,
                                                                        const std::vector<RevocationOrder>& orders) {
  if (orders.empty() || orders.size() > kOrdersMax) {
    return refuse(Reason::kInvalidArgument, "between 1 and 100 certificates can be revoked at once");
  }
  std::vector<RevocationRequest> requests;
  for (const RevocationOrder& order : orders) {
    LATCHKEY_TRY(request, request_from(order));
    requests.push_back(std::move(request));
  }
  const auto hold = hold_ ? CertificateRows::Hold::kYes : CertificateRows::Hold::kNo;
  LATCHKEY_TRY(revoked, rows_.revoke(call, profile.resource(), profile.profile, requests, hold));
  certificates_.forget(profile.profile);
  if (hold == CertificateRows::Hold::kNo) LATCHKEY_TRY_VOID(finish(call, profile, revoked));
  return revoked;
}

Answer<registry::signing::Certificate> Revocations::settle(const Call& call, const ProfileFacts& profile,
                                                           const std::string& serial, const std::string& failure) {
  LATCHKEY_TRY(octets, serial_from(serial));
  LATCHKEY_TRY(found, rows_.find(octets));
  if (!found || found->profile != profile.profile) {
    return refuse(Reason::kNotFound, "the profile has no certificate of that serial number");
  }
  LATCHKEY_TRY(settled, rows_.settle(call, profile.resource(), octets, failure));
  certificates_.forget(profile.profile);
  if (settled.revocation.status == RevocationStatus::kSucceeded) LATCHKEY_TRY_VOID(finish(call, profile, {settled}));
  return settled;
}

// What belongs to a revocation that has succeeded. It stands already; a failure here is made good at the next tick.
Answer<Nothing> Revocations::finish(const Call& call, const ProfileFacts& profile,
                                    const std::vector<Certificate>& revoked) {
  LATCHKEY_TRY(newest, rows_.newest_of(profile.profile, call.now));
  const bool current = newest && std::any_of(revoked.begin(), revoked.end(),
                                             [&](const Certificate& one) { return one.serial == newest->serial; });
  if (current && current_ == Current::kDisables) LATCHKEY_TRY_VOID(directory_.disable(call, profile));
  LATCHKEY_TRY_VOID(authorities_.publish_lists());
  LATCHKEY_TRY_VOID(certificates_.erase_idle_keys());
  if (notices_ != nullptr) {
    for (const Certificate& one : revoked) notices_->revoked(profile, one);
  }
  return Nothing{};
}

}  // namespace latchkey::hub::signing
