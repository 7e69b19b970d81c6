// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/watched_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "boards/fleet/history/reader.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::boards::fleet::swarm {
namespace {

using history::Service;
using history::Why;
using ports::LinkFailure;
using testing::IsEmpty;
using testing::SizeIs;

constexpr history::Device kDevice = 7;

// A link that does what the test says.
struct FakeLink final : ports::MqttLink {
  Result<void> connect(const ports::LinkRequest& request) override {
    password = request.password;
    return answer;
  }
  Result<void> subscribe(std::string_view, int) override { return {}; }
  Result<void> publish(std::string_view, ByteView payload, int) override {
    published.emplace_back(payload.text());
    return {};
  }
  void disconnect() override { ++disconnects; }
  Result<void> answer;
  std::string password;
  std::vector<std::string> published;
  int disconnects = 0;
};

struct FakeCore final : ports::MqttLinkEvents {
  void on_connected(bool) override { ++connected; }
  void on_ended(LinkFailure, int) override { ++ended; }
  void on_subscribed(bool) override {}
  void on_published() override { ++published; }
  void on_message(std::string_view, ByteView) override {}
  int connected = 0;
  int ended = 0;
  int published = 0;
};

struct Owner final : LinkOwner {
  std::uint32_t generation_in_hand() const override { return 3; }
  history::TimeUs due() const override { return 0; }
  bool has_power() const override { return power; }
  void on_link_event() override { ++noted; }
  bool power = true;
  int noted = 0;
};

class WatchedLinkTest : public testing::Test {
 protected:
  WatchedLinkTest() {
    auto writer = history::Writer::create(history::file_of(folder_.path(), 1), {});
    EXPECT_TRUE(writer);
    chronicle_.emplace(std::move(*writer), monotonic_us());
    watched_.emplace(kDevice, *chronicle_, owner_);
    watched_->join(link_, core_);
  }

  void connect(ports::LinkIdentity identity = ports::LinkIdentity::kSlotA) {
    ports::LinkRequest request;
    request.host = "hub.example";
    request.identity = identity;
    request.password = "SharedAccessSignature sr=x&sig=Aabc&se=1";
    EXPECT_TRUE(watched_->connect(request));
  }
  template <class Body>
  std::vector<Body> told() {
    chronicle_->each_second();
    std::vector<Body> all;
    auto reader = history::Reader::open(folder_.path());
    while (const auto record = reader->next()) {
      if (const auto* body = std::get_if<Body>(&record->body)) all.push_back(*body);
    }
    return all;
  }

  const tests::TemporaryFolder folder_;
  std::optional<Chronicle> chronicle_;
  FakeLink link_;
  FakeCore core_;
  Owner owner_;
  std::optional<WatchedLink> watched_;
};

TEST_F(WatchedLinkTest, every_attempt_has_one_begin_and_one_end) {
  connect();
  watched_->on_connected(false);
  EXPECT_TRUE(watched_->connected_to_hub());
  watched_->on_ended(LinkFailure::kLost, 0);
  EXPECT_FALSE(watched_->connected_to_hub());
  watched_->died();  // nothing is under way any more
  EXPECT_EQ(told<history::Connecting>(), (std::vector<history::Connecting>{{Service::kHub, 3}}));
  EXPECT_EQ(told<history::Connected>(), (std::vector<history::Connected>{{Service::kHub, 3}}));
  EXPECT_EQ(told<history::Ended>(), (std::vector<history::Ended>{{Service::kHub, true, Why::kLost, 0}}));
  EXPECT_EQ(core_.connected, 1);
  EXPECT_EQ(core_.ended, 1);
  EXPECT_EQ(owner_.noted, 2);
}

TEST_F(WatchedLinkTest, attempt_that_could_not_begin_has_an_end_too) {
  link_.answer = fail(Status::kInvalidArgument);
  ports::LinkRequest request;
  EXPECT_FALSE(watched_->connect(request));
  EXPECT_EQ(told<history::Ended>(), (std::vector<history::Ended>{{Service::kDps, false, Why::kLocal, 0}}));
}

TEST_F(WatchedLinkTest, refusals_are_told_with_their_codes) {
  connect();
  watched_->on_ended(LinkFailure::kRefused, 5);
  connect();
  watched_->on_ended(LinkFailure::kTlsAlert, 45);
  connect();
  watched_->on_ended(LinkFailure::kTlsAlert, 0);  // broke off: nobody has refused anything
  EXPECT_EQ(told<history::Refused>(),
            (std::vector<history::Refused>{{Service::kHub, history::RefusedBy::kConnack, 5, {}},
                                           {Service::kHub, history::RefusedBy::kTls, 45, {}}}));
  EXPECT_EQ(chronicle_->counters.refused, 2u);
  EXPECT_EQ(chronicle_->counters.failed, 1u);
  EXPECT_THAT(told<history::Ended>(), SizeIs(3));
}

TEST_F(WatchedLinkTest, end_that_the_core_asked_for_is_its_own) {
  connect();
  watched_->on_connected(false);
  watched_->disconnect();
  EXPECT_EQ(link_.disconnects, 1);
  watched_->on_ended(LinkFailure::kLost, 0);
  EXPECT_EQ(told<history::Ended>(), (std::vector<history::Ended>{{Service::kHub, true, Why::kOwn, 0}}));
}

TEST_F(WatchedLinkTest, cut_network_is_blamed_until_it_is_back) {
  connect();
  watched_->blame(Why::kCut);
  watched_->on_ended(LinkFailure::kUnreachable, 0);
  watched_->blame_nobody();
  connect();
  watched_->on_ended(LinkFailure::kUnreachable, 0);
  EXPECT_EQ(told<history::Ended>(), (std::vector<history::Ended>{{Service::kHub, false, Why::kCut, 0},
                                                                 {Service::kHub, false, Why::kUnreachable, 0}}));
}

TEST_F(WatchedLinkTest, dead_device_says_no_goodbye) {
  connect();
  watched_->on_connected(false);
  owner_.power = false;
  watched_->disconnect();
  EXPECT_EQ(link_.disconnects, 0);
  watched_->died();
  EXPECT_EQ(told<history::Ended>(), (std::vector<history::Ended>{{Service::kHub, true, Why::kOwn, 0}}));
}

TEST_F(WatchedLinkTest, telemetry_is_padded_counted_and_timed_and_requests_are_not) {
  watched_->pad_telemetry(64);
  connect();
  watched_->on_connected(false);
  ASSERT_TRUE(watched_->publish("devices/d/messages/events/", ByteView(std::string("{}")), 1));
  ASSERT_TRUE(watched_->publish("$iothub/credentials/POST/issueCertificate/", ByteView(std::string("{}")), 1));
  EXPECT_EQ(link_.published[0], "{}" + std::string(62, ' '));
  EXPECT_EQ(link_.published[1], "{}");
  watched_->on_published();
  watched_->on_published();
  watched_->on_published();  // of nobody's: told to the core, counted by nobody
  const auto told_telemetry = told<history::Telemetry>();
  ASSERT_THAT(told_telemetry, SizeIs(1));
  EXPECT_EQ(told_telemetry[0].sent, 1u);
  EXPECT_EQ(told_telemetry[0].acknowledged, 1u);
  EXPECT_EQ(told_telemetry[0].from_sent.count(), 1u);
  EXPECT_GE(told_telemetry[0].from_due.max(), told_telemetry[0].from_sent.max());
  EXPECT_EQ(core_.published, 3);
}

TEST_F(WatchedLinkTest, lost_credential_spoils_the_token_for_provisioning_alone) {
  watched_->lose_credential();
  connect(ports::LinkIdentity::kNone);
  EXPECT_EQ(link_.password, "SharedAccessSignature sr=x&sig=Babc&se=1");
  watched_->on_ended(LinkFailure::kRefused, 5);
  connect(ports::LinkIdentity::kSlotA);
  EXPECT_EQ(link_.password, "SharedAccessSignature sr=x&sig=Aabc&se=1");
}

TEST_F(WatchedLinkTest, nothing_is_told_behind_the_end_of_the_run) {
  connect();
  chronicle_->close({history::Ending::kTimeUp, {}});
  watched_->on_ended(LinkFailure::kLost, 0);
  EXPECT_THAT(told<history::Ended>(), IsEmpty());
  EXPECT_THAT(told<history::RunEnded>(), SizeIs(1));
}

}  // namespace
}  // namespace latchkey::boards::fleet::swarm
