// SPDX-License-Identifier: Apache-2.0
// The rehearsal's API over a real registry in a folder of its own; what stands behind it is played.
#pragma once

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "hub/rehearsal/admin.h"
#include "platform/openssl/digest.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::hub::rehearsal {

class AdminTest : public testing::Test {
 protected:
  using Json = nlohmann::json;
  static constexpr UnixMs kNow = 1'900'000'000'000;

  AdminTest() {
    auto opened =
        registry::Registry::open({(folder.path() / "registry.db").string(), 256, true}, openssl::host_digest());
    EXPECT_TRUE(opened);
    registry = std::move(*opened);
    std::filesystem::create_directory(keys());
    clock = std::make_unique<Clock>(Clock::Parts{folder.path() / "clock.json", [] { return kNow; },
                                                 [](const posix::RehearsalDocument&) { return done(); }});
    snapshots = std::make_unique<Snapshots>(
        Snapshots::Parts{*registry, folder.path() / "snapshots", keys(),
                         [this](const std::string& key) { std::filesystem::remove(keys() / key); }});
    Admin::Parts parts{*registry, acts, *clock, faults, *snapshots, [] { return kNow; }, {}, {}, {}, {}};
    parts.plane = [this](const AdminRequest&, const std::string& method, const std::string& path, const std::string&) {
      return play(method, path);
    };
    parts.faults_changed = [this](const std::string& document) {
      kept_faults = document;
      return done();
    };
    parts.state_changed = [this](registry::Sequence) {
      ++taken_over;
      return done();
    };
    parts.reset = [this](const registry::Call& call) -> registry::Outcome<registry::Nothing> {
      LATCHKEY_TRY_VOID(snapshots->reset(call, {}, {}));
      return done();
    };
    admin = std::make_unique<Admin>(std::move(parts));
  }

  static registry::Outcome<registry::Nothing> done() { return registry::Nothing{}; }

  struct Seen {
    int status = 0;
    Json body;
    std::string code() const {
      return body.is_object() && body.contains("error") ? body["error"].value("code", "") : "";
    }
  };
  Seen ask(const std::string& method, const std::string& path, const std::string& body = "") {
    const auto reply = admin->handle({method, path, body, "tester", "here"});
    return {reply.status, reply.body.empty() ? Json() : Json::parse(reply.body)};
  }
  // Management, as a seed sees it: namespaces are real, and whatever is named "wrong" is refused.
  PlaneReply play(const std::string& method, const std::string& path) {
    const auto name = path.substr(path.rfind('/') + 1);
    if (name == "wrong")
      return {409, R"({"error":{"code":"ResourceAlreadyExists","message":"it is there","exitStatus":4}})"};
    const bool found = registry->find_namespace(name).has_value();
    if (method == "GET") return {found ? 200 : 404, "{}"};
    const auto made = registry->create_namespace({"tester", kNow}, name);
    return {made ? 201 : 400, "{}"};
  }
  // A namespace with a root whose key is a file.
  void make_credential(const std::string& ns, const std::string& key) {
    ASSERT_TRUE(registry->create_namespace({"tester", kNow}, ns));
    std::ofstream(keys() / key) << "the key " << key;
    registry::NewCa root;
    root.id.bytes[0] = ++made_;
    root.subject = "CN=" + key;
    root.serial = {1, made_};
    root.not_before = kNow;
    root.not_after = kNow + 1'000'000;
    root.der = {0x30, made_};
    root.key_ref = key;
    root.issuer = root.id;
    ASSERT_TRUE(registry->create_credential({"tester", kNow}, ns, root));
  }
  std::string key(const std::string& name) const {
    std::ifstream in(keys() / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::filesystem::path keys() const { return folder.path() / "keys"; }
  registry::AuditRecord last_audit() { return registry->list_audit(0, 1)->front(); }

  tests::MemoryFolder folder;
  std::unique_ptr<registry::Registry> registry;
  Acts acts;
  Faults faults;
  std::unique_ptr<Clock> clock;
  std::unique_ptr<Snapshots> snapshots;
  std::unique_ptr<Admin> admin;
  std::string kept_faults = "none";
  int taken_over = 0;

 private:
  std::uint8_t made_ = 0;
};

}  // namespace latchkey::hub::rehearsal
