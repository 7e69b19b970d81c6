// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/bad_input_world.h"

#include <algorithm>
#include <chrono>

namespace latchkey::tests {
namespace {

using nlohmann::json;

constexpr int kLongMs = 20'000;  // longer than a loaded machine takes; reached only by a failure
constexpr int kPollMs = 20;

template <class Done>
bool wait_until(const Done& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kLongMs);
  while (!done()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
  }
  return true;
}

std::unique_ptr<World>& world_owner() {
  static std::unique_ptr<World> owner;
  return owner;
}

class Closing : public testing::Environment {
 public:
  void TearDown() override { world_owner().reset(); }
};
const auto* const kClosing = testing::AddGlobalTestEnvironment(new Closing);

Hub::Options ordinary() {
  Hub::Options options;
  options.rehearsal = false;  // a rehearsal relaxes rules
  return options;
}

std::string line(const ConnectResult& seen, const Decided& decided) {
  if (decided.number == 0) return seen.text() + ", no decision";
  return seen.text() + ", " + decided.reason + (decided.failed_check.empty() ? "" : ", " + decided.failed_check);
}

}  // namespace

Bystander::Bystander(Hub& hub, const std::string& id) : client_(hub.hub_options(id, hub.provision(id))) {
  const auto seen = client_.connect();
  if (seen.seen != Seen::kAccepted) throw std::runtime_error("the bystander: " + seen.text());
  sender_ = std::thread([this, topic = "devices/" + id + "/messages/events/"] {
    while (!stop_ && client_.connected()) {
      if (client_.publish(topic, R"({"fine":true})", 1, kLongMs)) ++acknowledged_;
      std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
    }
  });
}

Bystander::~Bystander() {
  stop_ = true;
  sender_.join();
}

bool Bystander::goes_on() {
  const std::uint64_t before = acknowledged_;
  return wait_until([&] { return acknowledged_ > before || !client_.connected(); }) && client_.connected();
}

World::World() : hub(ordinary()) {
  hub.start();
  victim = hub.provision(kVictim);
  other = hub.provision(kOther);
  issuing = ca_of(hub, "issuing");
  root = ca_of(hub, "root");
  bystander = std::make_unique<Bystander>(hub, kBystander);
}

Decided World::newest(const std::string& endpoint) {
  Decided found;
  const auto decisions = hub.json({"decisions", "list", "--limit", "1000"});
  for (const auto& decision : decisions.at("value")) {
    if (decision.at("endpoint") != endpoint || decision.at("number") <= found.number) continue;
    found = {decision.at("number"), decision.at("clientId"), decision.at("reason"),
             decision.at("failedCheck").is_null() ? "" : decision.at("failedCheck").get<std::string>()};
  }
  return found;
}

Decided World::next_after(std::uint64_t number, const std::string& endpoint) {
  Decided found;
  const bool came = wait_until([&] { return (found = newest(endpoint)).number > number; });
  return came ? found : Decided{};
}

std::size_t World::decisions_about(const std::string& client_id) {
  return hub.json({"decisions", "list", "--limit", "1000", "--device", client_id}).at("value").size();
}

json World::registry() {
  json all;
  all["devices"] = hub.json({"device", "list"});
  for (auto& device : all["devices"].at("value")) device.at("properties").erase("connected");
  for (const char* id : {kVictim, kOther, kBystander}) {
    all["certificates"].push_back(hub.json({"device", "certificates", "-n", id}));
  }
  all["namespaces"] = hub.json({"namespace", "list"});
  all["policies"] = hub.json({"policy", "list"});
  all["enrollments"] = hub.json({"enrollment", "list"});
  all["groups"] = hub.json({"enrollment", "list", "--group"});
  all["registrations"] = hub.json({"registration", "list"});
  all["trust"] = hub.json({"hub", "certificate", "list", "--hub", "hub"});
  return all;
}

std::vector<std::string> World::audited_after(std::uint64_t number) {
  std::vector<std::string> records;
  const auto all = hub.json({"audit", "list", "--limit", "1000"});
  for (const auto& record : all.at("value")) {
    if (record.at("number") <= number) break;  // newest first
    records.push_back(record.at("outcome").get<std::string>() + " " + record.at("action").get<std::string>() + " " +
                      record.at("resource").get<std::string>());
  }
  std::reverse(records.begin(), records.end());
  return records;
}

std::uint64_t World::newest_audit() {
  const auto records = hub.json({"audit", "list", "--limit", "1"}).at("value");
  return records.empty() ? 0 : records.front().at("number").get<std::uint64_t>();
}

World& world() {
  auto& owner = world_owner();
  if (!owner) owner = std::make_unique<World>();
  return *owner;
}

void expect_error_form(const json& body) {
  EXPECT_TRUE(body.at("errorCode").is_number()) << body;
  EXPECT_FALSE(body.at("message").get<std::string>().empty()) << body;
  EXPECT_FALSE(body.at("trackingId").get<std::string>().empty()) << body;
  EXPECT_FALSE(body.at("timestampUtc").get<std::string>().empty()) << body;
}

void BadInput::SetUp() {
  registry_ = world().registry();
  audit_ = world().newest_audit();
}

void BadInput::TearDown() {
  EXPECT_TRUE(world().bystander->goes_on());
  EXPECT_EQ(world().decisions_about(World::kBystander), 2U) << "one at each endpoint, when it came";
  EXPECT_EQ(world().registry(), registry_);
  auto audited = world().audited_after(audit_);
  std::erase_if(audited, [this](const std::string& record) {
    return std::any_of(allowed_.begin(), allowed_.end(),
                       [&record](const std::string& outcome) { return record.rfind(outcome + " ", 0) == 0; });
  });
  EXPECT_EQ(audited, announced_);
}

std::string BadInput::judged(const DeviceClient::Options& options) {
  const auto before = world().newest("hub").number;
  DeviceClient client(options);
  const auto seen = client.connect(kLongMs);
  return line(seen, world().next_after(before, "hub"));
}

std::string BadInput::judged_raw(const DeviceClient::Options& options, const Packet& connect,
                                 const std::string& endpoint) {
  const auto before = world().newest(endpoint).number;
  RawClient client(options);
  if (!client.open(kLongMs)) return "TLS failed";
  const auto seen = client.connect(connect, kLongMs);
  return line(seen, world().next_after(before, endpoint));
}

std::string BadInput::refused_by_broker(const DeviceClient::Options& options, const Packet& connect) {
  const auto before = world().newest("hub").number;
  RawClient client(options);
  if (!client.open(kLongMs)) return "TLS failed";
  const auto seen = client.connect(connect, kLongMs);
  // Decisions come in order: the next one is of somebody whom the gate was asked about.
  const auto fine = judged(world().hub.hub_options(World::kVictim, world().victim));
  const bool none = fine == "accepted, accepted" && world().newest("hub").number == before + 1;
  return seen.text() + (none ? ", no decision" : ", and a decision");
}

}  // namespace latchkey::tests
