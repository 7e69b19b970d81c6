// SPDX-License-Identifier: Apache-2.0
#include "hub/session/internal/renewal_text.h"

#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

namespace latchkey::hub::session {
namespace {

using Json = nlohmann::ordered_json;

// Never throws: text that is no UTF-8 comes out with replacement characters.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string base64(ByteView bytes) {
  std::string text(base64_size(bytes.size()), '\0');
  const auto size = base64_encode(bytes, MutableBytes(reinterpret_cast<std::uint8_t*>(text.data()), text.size()));
  text.resize(size ? *size : 0);
  return text;
}

std::optional<std::string> text_member(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

}  // namespace

std::string random_uuid() {
  Uuid uuid;
  // OpenSSL's generator fails only when the kernel gives no entropy; predictable ids would be worse than none.
  if (RAND_bytes(uuid.bytes.data(), static_cast<int>(uuid.bytes.size())) != 1) std::abort();
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);  // RFC 4122 section 4.4
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return std::string(view(to_text(uuid)));
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

std::string sha256_text(std::string_view text) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<std::uint8_t, hex_size(SHA256_DIGEST_LENGTH)> hex;
  const auto size = hex_encode(ByteView(digest), MutableBytes(hex));
  return std::string(ByteView(hex.data(), size ? *size : 0).text());
}

std::string accepted_body(std::string_view correlation_id, UnixMs expires) {
  return dump({{"correlationId", correlation_id}, {"operationExpires", utc_text(expires)}});
}

std::string certificates_body(std::string_view correlation_id, const std::vector<registry::Bytes>& chain) {
  Json certificates = Json::array();
  for (const auto& certificate : chain) certificates.push_back(base64(ByteView(certificate)));
  return dump({{"correlationId", correlation_id}, {"certificates", std::move(certificates)}});
}

std::string error_body(int error_code, std::string_view message, UnixMs now, const ErrorInfo& info,
                       std::optional<std::uint32_t> retry_after_s) {
  Json body = {
      {"errorCode", error_code}, {"message", message}, {"trackingId", random_uuid()}, {"timestampUtc", utc_text(now)}};
  Json members = Json::object();
  const auto put = [&members](const char* name, const std::string& value) {
    if (!value.empty()) members[name] = value;
  };
  put("correlationId", info.correlation_id);
  put("credentialError", info.credential_error);
  put("credentialMessage", info.credential_message);
  put("requestId", info.request_id);
  put("operationExpires", info.operation_expires);
  if (!members.empty()) body["info"] = std::move(members);
  if (retry_after_s) body["retryAfter"] = *retry_after_s;
  return dump(body);
}

registry::Bytes store_record(const RenewalRecord& record) {
  const std::string text = dump({{"requestId", record.request_id},
                                 {"fingerprint", record.fingerprint},
                                 {"correlationId", record.correlation_id},
                                 {"sequence", record.sequence},
                                 {"answer", record.answer}});
  return registry::Bytes(text.begin(), text.end());
}

std::optional<RenewalRecord> load_record(const registry::Bytes& bytes) {
  const Json json = Json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!json.is_object()) return std::nullopt;
  auto request_id = text_member(json, "requestId");
  auto fingerprint = text_member(json, "fingerprint");
  auto correlation_id = text_member(json, "correlationId");
  auto answer = text_member(json, "answer");
  const auto sequence = json.find("sequence");
  if (!request_id || !fingerprint || !correlation_id || !answer) return std::nullopt;
  if (sequence == json.end() || !sequence->is_number_unsigned()) return std::nullopt;
  return RenewalRecord{*request_id, *fingerprint, *correlation_id, sequence->get<std::uint64_t>(), *answer};
}

}  // namespace latchkey::hub::session
