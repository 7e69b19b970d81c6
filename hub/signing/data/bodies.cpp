// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/data/bodies.h"

#include <nlohmann/json.hpp>

#include "hub/text/encoding.h"
#include "hub/text/json.h"
#include "hub/text/strict_json.h"
#include "hub/text/time.h"

namespace latchkey::hub::signing {
namespace {

using registry::Reason;
using registry::refuse;
using registry::signing::Operation;
using registry::signing::OperationStatus;
using text::Json;

std::optional<Bytes> from_base64(const std::string& encoded) {
  Bytes bytes(base64_decoded_max(encoded.size()));
  const auto size = base64_decode(encoded, {bytes.data(), bytes.size()});
  if (!size) return std::nullopt;
  bytes.resize(*size);
  return bytes;
}

bool is_hash_list(const nlohmann::json& value) {
  if (value.is_null()) return true;
  if (!value.is_array()) return false;
  for (const auto& one : value) {
    if (!one.is_string() || !from_base64(one.get<std::string>())) return false;
  }
  return true;
}

const char* shown(OperationStatus status) {
  switch (status) {
    case OperationStatus::kSucceeded: return "Succeeded";
    case OperationStatus::kFailed: return "Failed";
    case OperationStatus::kInProgress: break;
  }
  return "InProgress";
}

Json error_object(std::string_view code, std::string_view message) {
  return {{"code", std::string(code)}, {"message", std::string(message)}, {"details", Json::array()}};
}

}  // namespace

Answer<SignBody> read_sign_body(std::string_view body) {
  const auto json = text::parse_strict(body);
  if (!json) return refuse(Reason::kMalformedRequest, "the body is no JSON: " + json.error());
  if (!json->is_object()) return refuse(Reason::kMalformedRequest, "the body is no JSON object");
  const auto member = [&](const char* name) -> const std::string* {
    const auto found = json->find(name);
    return found != json->end() && found->is_string() ? found->get_ptr<const std::string*>() : nullptr;
  };
  const std::string* name = member("signatureAlgorithm");
  const std::string* digest = member("digest");
  if (name == nullptr || digest == nullptr) {
    return refuse(Reason::kMalformedRequest, "signatureAlgorithm and digest are required, as texts");
  }
  const auto algorithm = algorithm_by_name(*name);
  if (!algorithm) {
    return refuse(Reason::kInvalidArgument,
                  "signatureAlgorithm is one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, ES256K");
  }
  auto octets = from_base64(*digest);
  if (!octets) return refuse(Reason::kInvalidArgument, "digest is base64");
  for (const char* list : {"fileHashList", "authenticodeHashList"}) {
    const auto found = json->find(list);
    if (found != json->end() && !is_hash_list(*found)) {
      return refuse(Reason::kInvalidArgument, std::string(list) + " is a list of base64 texts");
    }
  }
  return SignBody{*algorithm, std::move(*octets)};
}

std::string operation_body(const Operation& operation, ByteView collection, Spelling spelling) {
  const std::string id = text::uuid_text(operation.id);
  const bool live = spelling == Spelling::kLive;
  Json json = {{live ? "operationId" : "id", id}, {"status", shown(operation.status)}};
  if (operation.status == OperationStatus::kSucceeded) {
    std::string certificates = text::base64(collection);
    if (live) certificates = text::base64(ByteView(certificates));
    Json result = {{"signature", text::base64(operation.signature)}, {"signingCertificate", certificates}};
    if (live) {
      json.update(result);
    } else {
      result["operationId"] = id;
      json["result"] = std::move(result);
    }
  } else if (operation.status == OperationStatus::kFailed) {
    const Json error = error_object("SigningFailed", operation.error);
    json[live ? "errorDetail" : "error"] = error;
  }
  return text::dump(json);
}

std::string eku_body(const std::vector<std::string>& usages) {
  return text::dump(Json{{"value", Json::array({Json{{"ekus", usages}}})}, {"nextLink", nullptr}});
}

std::string history_body(const std::vector<Operation>& operations, std::uint64_t this_month, const std::string& next) {
  Json value = Json::array();
  for (const Operation& one : operations) {
    Json properties = {{"operationId", text::uuid_text(one.id)},
                       {"accountName", one.account_name},
                       {"profileName", one.profile_name},
                       {"signatureAlgorithm", one.algorithm},
                       {"digest", text::base64(one.digest)},
                       {"status", shown(one.status)},
                       {"certificateSerialNumber", text::hex(one.certificate)},
                       {"caller", one.actor},
                       {"callerIpAddress", one.source}};
    if (!one.error.empty()) properties["error"] = one.error;
    value.push_back({{"time", text::iso8601(one.asked)},
                     {"category", "SignTransactions"},
                     {"operationName", "Sign"},
                     {"endTime", one.ended == 0 ? Json(nullptr) : Json(text::iso8601(one.ended))},
                     {"properties", std::move(properties)}});
  }
  return text::dump(Json{{"value", std::move(value)},
                         {"signaturesThisMonth", this_month},
                         {"nextLink", next.empty() ? Json(nullptr) : Json(next)}});
}

http::Response json_response(int status, std::string body) {
  return {status, "application/json", std::move(body), {{"Cache-Control", "no-store"}}};
}

http::Response error_response(int status, std::string_view code, std::string_view message, Spelling spelling) {
  const char* member = spelling == Spelling::kLive ? "errorDetail" : "error";
  auto response = json_response(status, text::dump(Json{{member, error_object(code, message)}}));
  response.fields.emplace_back("x-ms-error-code", std::string(code));
  return response;
}

}  // namespace latchkey::hub::signing
