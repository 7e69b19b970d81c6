// SPDX-License-Identifier: Apache-2.0
// A signing service as it is run: registry and keys in files, behind real HTTP servers on free ports, with a clock that
// is set.
#pragma once

#include <atomic>

#include "hub/app/signing/signing_keys.h"
#include "hub/app/signing/signing_ocsp.h"
#include "hub/ca/file_key_provider.h"
#include "hub/http/server.h"
#include "hub/signing/data/data_plane.h"
#include "hub/signing/data/public_face.h"
#include "hub/text/encoding.h"
#include "tests/integration/signing/workbench.h"
#include "tests/unit/hub/signing/service/service_world.h"

namespace latchkey::tests {

// An RSA key may have to be made, on a machine that does much else.
inline constexpr int kPatienceMs = 500'000;
inline constexpr const char* kToken = "0123456789abcdef";

// One principal, who may do everything.
class OneSigner final : public hub::signing::Gatekeeper {
 public:
  hub::signing::Answer<Caller> authenticate(std::string_view field, const std::string&) override {
    if (constant_time_equal(ByteView(field), ByteView("Bearer " + std::string(kToken)))) return Caller{"signer", {}};
    return registry::refuse(registry::Reason::kTokenInvalid, "not a token of this hub");
  }
  hub::signing::Answer<registry::Nothing> authorize(const Caller&, hub::signing::Right, std::string_view,
                                                    std::string_view) override {
    return registry::Nothing{};
  }
};

class ServedSigning {
 public:
  explicit ServedSigning(hub::signing::Service::Options options = hub::signing::test::quick_options(),
                         UnixMs at = hub::signing::test::kStart)
      : now(at) {
    // Certificates name its port. Nobody asks before there is something to answer with.
    public_server_ = serve([this](const hub::http::Request& request) {
      return hub::app::SigningOcsp::serves(request.path) ? ocsp_->handle(request) : face_->handle(request);
    });
    options.authorities.base = public_url();
    files_ = std::move(*hub::ca::FileKeyProvider::open(folder.file("signing-keys")));
    keys_ = std::make_unique<hub::app::SigningKeys>(*files_);
    registry_ = std::move(*registry::Registry::open({.path = folder.file("registry.db")}, openssl::host_digest()));
    auto opened = hub::signing::Service::open(registry::rows_of(*registry_), *keys_, directory, nullptr,
                                              [this] { return now.load(); }, std::move(options), {"tester", now});
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().detail);
    service = std::move(*opened);
    plane_ = std::make_unique<hub::signing::DataPlane>(
        *service, gatekeeper_, hub::signing::DataPlane::Options{hub::signing::Spelling::kLive, "EastUS", "http"});
    face_ = std::make_unique<hub::signing::PublicFace>(*service);
    auto ocsp = hub::app::SigningOcsp::open(registry::rows_of(*registry_), *files_, [this] { return now.load(); });
    EXPECT_TRUE(ocsp);
    ocsp_ = std::move(*ocsp);
    data_server_ = serve([this](const hub::http::Request& request) { return plane_->handle(request); });
  }
  ~ServedSigning() {
    data_server_->stop();
    public_server_->stop();
    service.reset();
  }

  std::string data_url() const { return "http://127.0.0.1:" + std::to_string(data_server_->port()); }
  std::string public_url() const { return "http://127.0.0.1:" + std::to_string(public_server_->port()); }
  registry::Call call() const { return {"tester", now.load()}; }

  hub::signing::ProfileFacts profile(const std::string& name, hub::signing::KeyKind key) {
    hub::signing::ProfileFacts facts;
    facts.account = account_;
    facts.profile = hub::signing::random_id();
    facts.account_name = "contoso";
    facts.profile_name = name;
    facts.region = "EastUS";
    facts.subject = hub::signing::test::contoso();
    facts.durable_eku = hub::signing::durable_eku(facts.type, {990309390, 766961637, 194916062, 941502583});
    facts.key = key;
    return directory.put(facts);
  }
  // `certificates` becomes the chain as PEM, leaf first.
  Bytes sign(Workbench& bench, const hub::signing::ProfileFacts& facts, const std::string& algorithm, ByteView digest) {
    const auto ran =
        run({LATCHKEY_PYTHON, LATCHKEY_CLIENT, "sign", data_url(), kToken, facts.account_name, facts.profile_name,
             algorithm, hub::text::base64(digest), bench.path("signature"), bench.path("collection")},
            kPatienceMs);
    EXPECT_EQ(ran.exit_status, 0) << ran.out << ran.err;
    const auto printed = bench.openssl({"pkcs7", "-inform", "DER", "-in", bench.path("collection"), "-print_certs",
                                        "-out", bench.path("certificates")});
    EXPECT_EQ(printed.exit_status, 0) << printed.err;
    return bench.read("signature");
  }
  // The HTTP status; the body goes to the bench's file of that name.
  static std::string get(Workbench& bench, const std::string& url, const std::string& name,
                         const std::string& token = {}) {
    std::vector<std::string> command = {LATCHKEY_PYTHON, LATCHKEY_CLIENT, "get", url, bench.path(name)};
    if (!token.empty()) command.push_back(token);
    const auto ran = run(command);
    EXPECT_EQ(ran.exit_status, 0) << ran.err;
    return ran.out.substr(0, ran.out.find('\n'));
  }

  tests::MemoryFolder folder;
  std::atomic<UnixMs> now;
  hub::signing::test::PaperDirectory directory;
  std::unique_ptr<hub::signing::Service> service;

 private:
  static std::unique_ptr<hub::http::Server> serve(
      std::function<hub::http::Response(const hub::http::Request&)> handle) {
    hub::http::Handlers handlers;
    handlers.handle = std::move(handle);
    auto server = hub::http::Server::listen_tcp("127.0.0.1", 0, {}, std::move(handlers));
    EXPECT_TRUE(server);
    return std::move(*server);
  }

  const Uuid account_ = hub::signing::random_id();
  OneSigner gatekeeper_;
  std::unique_ptr<hub::ca::FileKeyProvider> files_;
  std::unique_ptr<hub::app::SigningKeys> keys_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<hub::signing::DataPlane> plane_;
  std::unique_ptr<hub::signing::PublicFace> face_;
  std::unique_ptr<hub::app::SigningOcsp> ocsp_;
  std::unique_ptr<hub::http::Server> data_server_;
  std::unique_ptr<hub::http::Server> public_server_;
};

}  // namespace latchkey::tests
