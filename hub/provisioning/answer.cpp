// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/internal/answer.h"

#include <openssl/rand.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

namespace latchkey::hub::provisioning {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kNoIndent = -1;

// Never throws: text that is no UTF-8 comes out with replacement characters.
std::string dump(const Json& json) { return json.dump(kNoIndent, ' ', false, Json::error_handler_t::replace); }

template <std::size_t N>
std::array<std::uint8_t, N> random_bytes() {
  std::array<std::uint8_t, N> bytes;
  // OpenSSL's generator fails only when the kernel gives no entropy; predictable ids would be worse than none.
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) std::abort();
  return bytes;
}

std::string random_uuid() {
  Uuid uuid{random_bytes<16>()};
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);  // RFC 4122 section 4.4
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return std::string(view(to_text(uuid)));
}

std::string base64(ByteView bytes) {
  std::string text(base64_size(bytes.size()), '\0');
  const auto size = base64_encode(bytes, MutableBytes(reinterpret_cast<std::uint8_t*>(text.data()), text.size()));
  text.resize(size ? *size : 0);
  return text;
}

// Opaque to devices; changes whenever the registration does.
std::string etag(UnixMs updated) {
  char quoted[16];
  std::snprintf(quoted, sizeof quoted, "\"%08x\"", static_cast<unsigned>(updated & 0xffffffff));
  return base64(ByteView(std::string_view(quoted)));
}

Json attestation_member(const RegistrationState& state) {
  if (state.attestation == registry::AttestationKind::kX509) return {{"x509", Json::object()}};
  Json key = Json::object();
  if (!state.enrollment_group.empty()) key["enrollmentGroupId"] = state.enrollment_group;
  return {{"symmetricKey", std::move(key)}};
}

}  // namespace

std::string new_operation_id() {
  const auto prefix = random_bytes<8>();
  std::array<std::uint8_t, hex_size(8)> hex;
  const auto size = hex_encode(ByteView(prefix), MutableBytes(hex));
  return "5." + std::string(ByteView(hex.data(), size ? *size : 0).text()) + "." + random_uuid();
}

std::string utc_text(UnixMs at) {
  const auto ms = static_cast<int>(((at % 1000) + 1000) % 1000);
  const std::time_t seconds = static_cast<std::time_t>((at - ms) / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char day[32];
  const std::size_t size = std::strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &utc);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%03d0000Z", ms);
  return std::string(day, size) + fraction;
}

std::string error_body(int error_code, std::string_view message, UnixMs now) {
  return dump({{"errorCode", error_code},
               {"trackingId", random_uuid()},
               {"message", message},
               {"timestampUtc", utc_text(now)}});
}

std::string assigning_body(std::string_view operation_id) {
  return dump({{"operationId", operation_id}, {"status", "assigning"}});
}

std::string state_body(const RegistrationState& state) {
  Json inner = attestation_member(state);
  inner["registrationId"] = state.registration_id;
  inner["createdDateTimeUtc"] = utc_text(state.created);
  if (!state.assigned_hub.empty()) inner["assignedHub"] = state.assigned_hub;
  if (!state.device_id.empty()) inner["deviceId"] = state.device_id;
  inner["status"] = state.status;
  if (!state.substatus.empty()) inner["substatus"] = state.substatus;
  if (state.error_code != 0) {
    inner["errorCode"] = state.error_code;
    inner["errorMessage"] = state.error_message;
  }
  inner["lastUpdatedDateTimeUtc"] = utc_text(state.updated);
  inner["etag"] = etag(state.updated);
  if (!state.chain.empty()) {
    Json chain = Json::array();
    for (const auto& certificate : state.chain) chain.push_back(base64(ByteView(certificate)));
    inner["issuedCertificateChain"] = std::move(chain);
  }
  return dump({{"operationId", state.operation_id}, {"status", state.status}, {"registrationState", std::move(inner)}});
}

registry::Bytes store_answer(const StoredAnswer& answer) {
  const std::string text = dump({{"sequence", answer.sequence}, {"orphanAt", answer.orphan_at}, {"body", answer.body}});
  return registry::Bytes(text.begin(), text.end());
}

std::optional<StoredAnswer> load_answer(const registry::Bytes& bytes) {
  const Json json = Json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto sequence = json.find("sequence");
  const auto orphan_at = json.find("orphanAt");
  const auto body = json.find("body");
  if (sequence == json.end() || !sequence->is_number_unsigned()) return std::nullopt;
  if (orphan_at == json.end() || !orphan_at->is_number_integer()) return std::nullopt;
  if (body == json.end() || !body->is_string()) return std::nullopt;
  return StoredAnswer{sequence->get<std::uint64_t>(), orphan_at->get<UnixMs>(), body->get<std::string>()};
}

}  // namespace latchkey::hub::provisioning
