// SPDX-License-Identifier: Apache-2.0
// Forecasts against what then happens, counted by connections: 200 devices in mixed states, some of them connected.
// Each test asks what an act would do, does it, and counts who is cut, who is refused and who comes back.
#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using Names = std::set<std::string>;

constexpr int kDevices = 200;
constexpr int kThreads = 8;

template <class Work>
void side_by_side(const std::vector<std::string>& ids, const Work& work) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::string trouble;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (std::size_t at; (at = next++) < ids.size();) {
        try {
          work(ids[at]);
        } catch (const std::exception& error) {
          const std::lock_guard lock(mutex);
          trouble += ids[at] + ": " + error.what() + "\n";
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  if (!trouble.empty()) throw std::runtime_error(trouble);
}

// Devices, each with what it proves itself by and the certificate that it got last.
class Fleet {
 public:
  explicit Fleet(Hub& hub) : hub_(hub) {}

  void add(const std::string& id, const std::string& token) { members_[id].token = token; }
  std::vector<std::string> ids() const {
    std::vector<std::string> ids;
    for (const auto& [id, member] : members_) ids.push_back(id);
    return ids;
  }

  // Those who get a certificate that the hub lets in, which is then theirs.
  Names come_back(const std::vector<std::string>& who) {
    Names back;
    side_by_side(who, [&](const std::string& id) {
      const auto key = make_key();
      const auto answer = hub_.try_provision(id, token_of(id), key);
      if (answer.at("body").value("status", "") != "assigned") return;
      const auto identity = Hub::identity_from(answer, key);
      if (!let_in(id, identity)) return;
      const std::lock_guard lock(mutex_);
      members_.at(id).identity = identity;
      back.insert(id);
    });
    return back;
  }
  // Those whom the hub lets in with the certificate that they have.
  Names census() {
    Names in;
    side_by_side(ids(), [&](const std::string& id) {
      if (!let_in(id, identity_of(id))) return;
      const std::lock_guard lock(mutex_);
      in.insert(id);
    });
    return in;
  }

  void connect(const std::vector<std::string>& who) {
    side_by_side(who, [&](const std::string& id) {
      auto client = std::make_unique<DeviceClient>(hub_.hub_options(id, identity_of(id)));
      if (client->connect().seen != Seen::kAccepted) throw std::runtime_error("not let in");
      const std::lock_guard lock(mutex_);
      sessions_[id] = std::move(client);
    });
    const bool known = eventually([&] { return connected_at_hub() == sessions_.size(); });
    if (!known) throw std::runtime_error("the hub does not know of all sessions");
  }
  // Whose session has ended, once that many have; the others have to answer still.
  Names cut(std::size_t expected) {
    Names ended;
    const auto count = [&] {
      for (const auto& [id, session] : sessions_) {
        if (!session->connected()) ended.insert(id);
      }
      return ended.size() >= expected;
    };
    EXPECT_TRUE(eventually(count)) << ended.size() << " of " << expected << " sessions have ended";
    for (const auto& [id, session] : sessions_) {
      if (ended.count(id) == 0 && !session->publish("devices/" + id + "/messages/events/", "alive")) ended.insert(id);
    }
    return ended;
  }
  void disconnect() {
    sessions_.clear();
    EXPECT_TRUE(eventually([&] { return connected_at_hub() == 0; }));
  }

 private:
  struct Member {
    std::string token;
    Identity identity;
  };
  bool let_in(const std::string& id, const Identity& identity) {
    if (identity.chain.empty()) return false;
    const auto seen = DeviceClient(hub_.hub_options(id, identity)).connect();
    if (seen.seen != Seen::kAccepted && seen.seen != Seen::kRefused) throw std::runtime_error(seen.text());
    return seen.seen == Seen::kAccepted;
  }
  std::string token_of(const std::string& id) {
    const std::lock_guard lock(mutex_);
    return members_.at(id).token;
  }
  Identity identity_of(const std::string& id) {
    const std::lock_guard lock(mutex_);
    return members_.at(id).identity;
  }
  std::size_t connected_at_hub() {
    const auto devices = rows(hub_.json({"device", "list"}));
    return static_cast<std::size_t>(std::count_if(devices.begin(), devices.end(), [](const json& device) {
      return device.at("properties").value("connected", false);
    }));
  }

  Hub& hub_;
  std::mutex mutex_;  // guards what threads of side_by_side share
  std::map<std::string, Member> members_;
  std::map<std::string, std::unique_ptr<DeviceClient>> sessions_;
};

class WhatIf : public HubTest<WhatIf> {
 public:
  // A gate that is busy with all these connections on a loaded machine is not to be taken for one that is silent: its
  // broker would be ended, and everybody cut.
  static Hub::Options options() {
    Hub::Options options;
    options.more = {"--confirm-timeout-ms", "120000"};
    return options;
  }
  static void SetUpTestSuite() {
    HubTest<WhatIf>::SetUpTestSuite();
    fleet_ = std::make_unique<Fleet>(hub());
    Cohort line(hub(), "line");
    Cohort other(hub(), "other");
    std::vector<std::string> individual;
    for (int i = 0; i < kDevices; ++i) {
      const std::string id = "d" + std::to_string(1000 + i);
      // 0 to 159 by the group of policy "line", 160 to 189 each by its own enrollment, the others by another policy's.
      if (i < 160) fleet_->add(id, line.token(id));
      if (i >= 160 && i < 190) individual.push_back(id);
      if (i >= 190) fleet_->add(id, other.token(id));
    }
    side_by_side(individual, [](const std::string& id) {
      operate(hub(), {"enrollment", "create", "--id", id, "--policy", "line"});
    });
    for (const auto& id : individual) {
      fleet_->add(id, individual_token(hub(), id, enrollment_key(hub(), id, false)));
    }
    ASSERT_EQ(fleet().come_back(fleet().ids()).size(), static_cast<std::size_t>(kDevices));
    side_by_side(numbered(150, 160), [](const std::string& id) { enable(id, false); });
    side_by_side(numbered(160, 170), [](const std::string& id) {
      operate(hub(), {"enrollment", "update", "--id", id, "--status", "disabled"});
    });
    side_by_side(numbered(170, 180), [](const std::string& id) {
      operate(hub(), {"enrollment", "delete", "--id", id, "-y"});
    });
    side_by_side(numbered(180, 190), [](const std::string& id) {
      operate(hub(), {"enrollment", "update", "--id", id, "--policy", "other"});
    });
  }
  static void TearDownTestSuite() {
    fleet_.reset();
    HubTest<WhatIf>::TearDownTestSuite();
  }

 protected:
  static Fleet& fleet() { return *fleet_; }
  static std::vector<std::string> numbered(int from, int end) {
    std::vector<std::string> ids;
    for (int i = from; i < end; ++i) ids.push_back("d" + std::to_string(1000 + i));
    return ids;
  }
  static void enable(const std::string& id, bool enabled) {
    operate(hub(), {"device", "update", "-n", id, "--enabled", enabled ? "true" : "false"});
  }
  static json ahead(std::vector<std::string> act) {
    for (const char* word : {"--what-if", "--limit", "1000"}) act.emplace_back(word);
    return hub().json(act);
  }
  static Names named(const json& forecast, const std::string& fate) {
    Names names;
    for (const auto& device : forecast.at("value")) {
      if (device.at("fate") == fate) names.insert(device.at("device"));
    }
    return names;
  }
  // Of those that lose access or are disabled already.
  static Names returning(const json& forecast) {
    Names names;
    for (const auto& device : forecast.at("value")) {
      if (device.at("fate") != "endsLater" && device.at("obstacle").is_null()) names.insert(device.at("device"));
    }
    return names;
  }
  static Names connected(const json& forecast) {
    Names names;
    for (const auto& device : forecast.at("value")) {
      if (device.at("fate") == "losesAccess" && device.at("connected")) names.insert(device.at("device"));
    }
    return names;
  }
  static std::map<std::string, int> reasons(const json& part) {
    std::map<std::string, int> counts;
    for (const auto& one : part.at("reasons")) counts[one.at("reason")] = one.at("devices");
    return counts;
  }
  static Names without(const Names& all, const Names& some) {
    Names rest;
    std::set_difference(all.begin(), all.end(), some.begin(), some.end(), std::inserter(rest, rest.end()));
    return rest;
  }
  static std::vector<std::string> list(const Names& names) { return {names.begin(), names.end()}; }

  // Counts and names of a forecast agree with each other.
  static void check_sums(const json& forecast) {
    EXPECT_TRUE(forecast.at("refused").is_null()) << forecast.at("refused").dump();
    EXPECT_EQ(forecast.at("losingAccess").at("devices"), named(forecast, "losesAccess").size());
    EXPECT_EQ(forecast.at("losingAccess").at("connected"), connected(forecast).size());
    EXPECT_EQ(forecast.at("alreadyDisabled").at("devices"), named(forecast, "alreadyDisabled").size());
    EXPECT_EQ(forecast.at("endingLater").at("devices"), named(forecast, "endsLater").size());
    EXPECT_EQ(forecast.at("returning").at("devices"), returning(forecast).size());
  }

  // Does the act, with these devices connected: who is cut and who is refused is who was named.
  static json play(const std::vector<std::string>& act, const std::vector<std::string>& sessions) {
    const auto before = fleet().census();
    std::vector<std::string> opened;
    std::copy_if(sessions.begin(), sessions.end(), std::back_inserter(opened),
                 [&](const std::string& id) { return before.count(id) > 0; });
    fleet().connect(opened);
    const auto forecast = ahead(act);
    check_sums(forecast);
    const auto losing = named(forecast, "losesAccess");
    EXPECT_TRUE(std::includes(before.begin(), before.end(), losing.begin(), losing.end()));

    auto command = act;
    if (act[0] != "device" || act[1] != "update") command.emplace_back("-y");
    operate(hub(), command);
    EXPECT_EQ(fleet().cut(connected(forecast).size()), connected(forecast)) << "cut";
    fleet().disconnect();
    EXPECT_EQ(without(before, fleet().census()), losing) << "refused";
    return forecast;
  }
  // Whoever lost access, or would have if it had any, tries to register again.
  static void expect_return(const json& forecast) {
    auto away = named(forecast, "losesAccess");
    away.merge(named(forecast, "alreadyDisabled"));
    EXPECT_EQ(fleet().come_back(list(away)), returning(forecast));
  }

 private:
  static inline std::unique_ptr<Fleet> fleet_;
};

TEST_F(WhatIf, asking_changes_nothing_and_leaves_no_record) {
  const auto before = fleet().census();
  const auto head = hub().json({"audit", "head"});
  const std::vector<std::vector<std::string>> acts = {{"policy", "revoke", "-n", "line"},
                                                      {"policy", "delete", "-n", "line"},
                                                      {"device", "revoke", "-n", "d1000"},
                                                      {"device", "delete", "-n", "d1000"},
                                                      {"device", "update", "-n", "d1000", "--enabled", "false"}};
  for (const auto& act : acts) {
    check_sums(ahead(act));
  }
  EXPECT_EQ(hub().json({"audit", "head"}), head);
  EXPECT_EQ(fleet().census(), before);
}

TEST_F(WhatIf, acts_on_one_device_do_what_was_forecast) {
  const auto sessions = numbered(0, 40);
  auto forecast = play({"device", "update", "-n", "d1001", "--enabled", "false"}, sessions);
  EXPECT_EQ(named(forecast, "losesAccess"), Names{"d1001"});
  EXPECT_EQ(reasons(forecast.at("notReturning")), (std::map<std::string, int>{{"deviceDisabled", 1}}));
  expect_return(forecast);
  enable("d1001", true);

  forecast = play({"device", "revoke", "-n", "d1002"}, sessions);
  EXPECT_EQ(connected(forecast), Names{"d1002"});
  EXPECT_EQ(returning(forecast), Names{"d1002"});
  expect_return(forecast);

  forecast = play({"device", "revoke", "-n", "d1003", "--disable"}, sessions);
  EXPECT_EQ(forecast.at("notReturning").at("devices"), 1);
  expect_return(forecast);
  enable("d1003", true);
  EXPECT_EQ(fleet().come_back({"d1003"}), Names{"d1003"});

  forecast = play({"device", "delete", "-n", "d1004"}, sessions);
  EXPECT_EQ(returning(forecast), Names{"d1004"});
  expect_return(forecast);
}

TEST_F(WhatIf, policy_revoke_does_what_was_forecast) {
  const auto forecast = play({"policy", "revoke", "-n", "line"}, numbered(0, 195));
  EXPECT_EQ(forecast.at("losingAccess").at("devices"), 180);
  EXPECT_EQ(forecast.at("losingAccess").at("connected"), 180);
  EXPECT_EQ(forecast.at("alreadyDisabled").at("devices"), 10);
  EXPECT_EQ(reasons(forecast.at("notReturning")),
            (std::map<std::string, int>{{"deviceDisabled", 10}, {"enrollmentDisabled", 10}, {"enrollmentGone", 10}}));
  EXPECT_GT(forecast.at("returning").at("seconds"), 0) << "by the issuance that was seen";
  EXPECT_EQ(forecast.at("returning").at("basis"), "measuredIssuance");
  expect_return(forecast);
}

TEST_F(WhatIf, hub_certificate_delete_does_what_was_forecast) {
  const auto certificate = hub_certificates(hub(), policy_subject(hub(), "line")).at(0);
  const auto forecast =
      play({"hub", "certificate", "delete", "--hub", kHubName, "-n", certificate}, numbered(100, 200));
  EXPECT_GT(forecast.at("losingAccess").at("devices"), 100);
  EXPECT_EQ(reasons(forecast.at("notReturning")).count("issuerNotOnHub"), 1u);
  expect_return(forecast);
  operate(hub(), {"credential", "sync"});
}

TEST_F(WhatIf, policy_delete_cuts_nobody_and_ends_whom_it_named) {
  const auto forecast = play({"policy", "delete", "-n", "line"}, numbered(0, 50));
  EXPECT_EQ(forecast.at("losingAccess").at("devices"), 0);
  const auto ending = named(forecast, "endsLater");
  EXPECT_GT(ending.size(), 100u);
  EXPECT_EQ(fleet().come_back(list(ending)), Names{}) << "none of them gets another certificate";
}

TEST_F(WhatIf, credential_delete_is_refused_as_forecast_and_then_cuts_nobody) {
  const std::vector<std::string> act{"credential", "delete"};
  auto asked = act;
  asked.emplace_back("--what-if");
  const auto would = hub().cli(asked);
  const auto does = hub().cli({"credential", "delete", "-y"});
  EXPECT_EQ(would.exit_status, does.exit_status);
  EXPECT_NE(would.err.find("CredentialHasPolicies"), std::string::npos) << would.err;
  for (const auto& policy : rows(hub().json({"policy", "list"}))) {
    operate(hub(), {"policy", "delete", "-n", policy.at("name"), "-y"});
  }
  const auto forecast = play(act, numbered(0, 50));
  EXPECT_EQ(forecast.at("losingAccess").at("devices"), 0);
}

TEST_F(WhatIf, what_is_not_there_and_what_makes_no_sense_is_refused) {
  EXPECT_EQ(hub().cli({"device", "revoke", "-n", "nobody", "--what-if"}).exit_status, 3);
  EXPECT_EQ(hub().cli({"policy", "revoke", "-n", "none", "--what-if"}).exit_status, 3);
  EXPECT_EQ(hub().cli({"hub", "certificate", "delete", "--hub", "none", "-n", "x", "--what-if"}).exit_status, 3);
  EXPECT_EQ(hub().cli({"device", "update", "-n", "d1000", "--enabled", "true", "--what-if"}).exit_status, 2);
  EXPECT_EQ(hub().cli({"device", "revoke", "-n", "d1000", "--what-if", "--per-minute", "none"}).exit_status, 2);
}

}  // namespace
}  // namespace latchkey::tests
