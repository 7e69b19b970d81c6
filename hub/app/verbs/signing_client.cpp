// SPDX-License-Identifier: Apache-2.0
#include "hub/app/verbs/signing_client.h"

#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "hub/cli/http_client.h"
#include "hub/signing/signature/evidence.h"
#include "hub/signing/timestamp/token.h"
#include "hub/text/encoding.h"
#include "platform/base/percent.h"

namespace latchkey::hub::app {

using cli::Failure;
using nlohmann::json;
using signing::Bytes;
using Pkcs7Ptr = openssl::Owner<PKCS7, PKCS7_free>;

namespace {

constexpr const char* kVersion = "?api-version=2023-06-15-preview";
constexpr auto kPatience = std::chrono::minutes(10);  // keys are made at need, and many may wait
constexpr auto kFirstPause = std::chrono::milliseconds(20);
constexpr auto kLongestPause = std::chrono::milliseconds(1000);
constexpr int kHttpOk = 200;

tl::unexpected<Failure> not_understood() {
  return fail(Failure{cli::kExitOurFault, "the signing service's answer is not understood"});
}

std::string text_of(const json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// An empty object where there is none of that name.
json object_of(const json& object, const char* name) {
  if (!object.is_object()) return json::object();
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? *found : json::object();
}

std::optional<Bytes> from_base64(const std::string& encoded) {
  Bytes bytes(base64_decoded_max(encoded.size()));
  const auto size = base64_decode(encoded, {bytes.data(), bytes.size()});
  if (!size) return std::nullopt;
  bytes.resize(*size);
  return bytes;
}

// The certificates of a PKCS #7 collection, which keeps no order, from the signer's up. Roots are what verifiers have.
std::vector<openssl::X509Ptr> path_in(const Bytes& collection) {
  const std::uint8_t* at = collection.data();
  const Pkcs7Ptr read(d2i_PKCS7(nullptr, &at, static_cast<long>(collection.size())));
  std::vector<openssl::X509Ptr> path;
  if (!read || !PKCS7_type_is_signed(read.get())) return path;
  STACK_OF(X509)* all = read->d.sign->cert;
  const auto add_next = [&](auto fits) {
    for (int i = 0; i < sk_X509_num(all); ++i) {
      X509* const one = sk_X509_value(all, i);
      if (!fits(one)) continue;
      X509_up_ref(one);
      path.emplace_back(one);
      return true;
    }
    return false;
  };
  bool more = add_next([](X509* one) { return X509_check_ca(one) == 0; });
  while (more && path.size() < signing::kCertificatesMax) {
    X509* const below = path.back().get();
    more = add_next([below](X509* one) {
      const bool self = X509_NAME_cmp(X509_get_subject_name(one), X509_get_issuer_name(one)) == 0;
      return !self && X509_check_issued(one, below) == X509_V_OK;
    });
  }
  return path;
}

Result<RemoteSignature, Failure> signature_in(const json& operation) {
  const json result = object_of(operation, "result");
  auto value = from_base64(text_of(result, "signature"));
  const auto collection = from_base64(text_of(result, "signingCertificate"));
  if (!value || value->empty() || !collection) return not_understood();
  RemoteSignature signature{std::move(*value), path_in(*collection)};
  if (signature.path.empty()) return not_understood();
  return signature;
}

// Which of the reasons for a refusal it was the service does not tell: it would tell who has which profiles.
Failure with_advice(Failure failure, const SignQuestion& question) {
  if (failure.exit_status == cli::kExitRefused && failure.message.find("Authorization") != std::string::npos) {
    failure.message += "\nIs there a profile '" + question.profile + "' in account '" + question.account +
                       "'? (latchkey trustedsigning certificate-profile list)\nHas the token's owner the role? "
                       "(latchkey role assignment create --assignee NAME --role 'Artifact Signing Certificate Profile "
                       "Signer' --scope /)";
  }
  return failure;
}

}  // namespace

std::vector<X509*> RemoteSignature::views() const {
  std::vector<X509*> all;
  for (const auto& one : path) all.push_back(one.get());
  return all;
}

Result<SigningPlace, Failure> signing_place(const std::string& data_folder) {
  const auto api = cli::unix_socket_api(data_folder);
  LATCHKEY_TRY(status, cli::call(*api, "GET", "/status", {}));
  SigningPlace place{text_of(status, "signing"), text_of(status, "signingOpen"), data_folder + "/tls/server-ca.pem"};
  if (place.data.empty()) {
    return fail(Failure{cli::kExitRefused, "the hub of " + data_folder +
                                               " runs without the signing service: start it with 'latchkey up "
                                               "--signing-listen 127.0.0.1:0'"});
  }
  return place;
}

Result<RemoteSignature, Failure> sign_remotely(cli::Api& data_plane, const SignQuestion& question) {
  const std::string place = "/codesigningaccounts/" + percent_encode(question.account) + "/certificateprofiles/" +
                            percent_encode(question.profile) + "/sign";
  const json body = {{"signatureAlgorithm", std::string(signing::facts_of(question.algorithm).name)},
                     {"digest", text::base64(question.digest)}};
  auto operation = cli::call(data_plane, "POST", place + kVersion, body);
  if (!operation) return fail(with_advice(operation.error(), question));
  const std::string id = text_of(*operation, "id");
  if (!parse_uuid(id)) return not_understood();
  const auto until = std::chrono::steady_clock::now() + kPatience;
  auto pause = kFirstPause;
  for (;;) {
    const std::string status = text_of(*operation, "status");
    if (status == "Succeeded") return signature_in(*operation);
    if (status != "InProgress") {
      const std::string why = text_of(object_of(*operation, "error"), "message");
      return fail(Failure{cli::kExitRefused, "the service did not sign: " + (why.empty() ? status : why)});
    }
    if (std::chrono::steady_clock::now() > until) {
      return fail(Failure{cli::kExitTryAgain, "the service has not signed yet; its operation is " + id});
    }
    std::this_thread::sleep_for(pause);
    pause = std::min<std::chrono::milliseconds>(pause * 2, kLongestPause);
    operation = cli::call(data_plane, "GET", place + "/" + id + kVersion, {});
    if (!operation) return fail(with_advice(operation.error(), question));
  }
}

Result<Bytes, Failure> timestamp_from(const std::string& url, signing::Hash hash, ByteView stamped) {
  const auto request = signing::make_timestamp_request(hash, stamped, {});
  if (!request) return fail(Failure{cli::kExitOurFault, request.error().detail});
  LATCHKEY_TRY(reply, cli::post_http({url, "application/timestamp-query", std::string(ByteView(*request).text())}));
  if (reply.status != kHttpOk) {
    return fail(Failure{cli::kExitTryAgain, url + " answered " + std::to_string(reply.status) + " and no timestamp"});
  }
  auto token = signing::token_of_response(ByteView(reply.body));
  if (!token) return fail(Failure{cli::kExitRefused, "no timestamp from " + url + ": " + token.error().detail});
  return std::move(*token);
}

}  // namespace latchkey::hub::app
