// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/agent/core/device.h"

namespace latchkey::test {

using agent::State;

agent::Config test_config() {
  agent::Config config;
  config.registration_id = kDevice;
  config.id_scope = "0ne00TEST";
  config.dps = {"dps.example", 8883};
  config.symmetric_key_size = 32;
  config.telemetry_interval_ms = 10'000;
  return config;
}

bool Watcher::saw(agent::Occurrence what) const {
  for (const Seen& seen : reports) {
    if (seen.what == what) return true;
  }
  return false;
}

World::World() { require(crypto::init().has_value(), "crypto::init"); }

Device::Device(World& w, agent::Config config, std::uint64_t seed) : world(w), entropy(seed) {
  const agent::Driver::Ports board{link, world.storage, world.clock, entropy, keys, room};
  driver = std::make_unique<agent::Driver>(config, board, watcher);
  link.set_events(driver.get());
}

void Device::pass(std::uint64_t ms) {
  while (ms > 0) {
    const std::uint64_t step = ms < 1'000 ? ms : 1'000;
    world.clock.advance(step);
    ms -= step;
    driver->on_timer();
  }
}

bool Device::pass_until(State until, std::uint64_t at_most_ms) {
  for (std::uint64_t waited = 0; waited <= at_most_ms && state() != until; waited += 500) {
    world.clock.advance(500);
    driver->on_timer();
  }
  return state() == until;
}

bool Device::dps_accepts() {
  return state() == State::kDpsConnecting && link.accept() && link.grant() && state() == State::kDpsRegistering;
}

void Device::dps_answers(int status, const std::string& body, int retry_after_s) {
  const std::string& asked = link.publishes.back().topic;
  const std::size_t begin = asked.find("$rid=") + 5;
  const std::string rid = asked.substr(begin, asked.find('&', begin) - begin);
  std::string topic = "$dps/registrations/res/" + std::to_string(status) + "/?$rid=" + rid;
  if (retry_after_s >= 0) topic += "&retry-after=" + std::to_string(retry_after_s);
  link.deliver(topic, std::string_view(body));
}

void Device::dps_assigning() { dps_answers(202, R"({"operationId":"5.op","status":"assigning"})", 3); }

std::string Device::csr() const {
  for (auto publish = link.publishes.rbegin(); publish != link.publishes.rend(); ++publish) {
    if (publish->topic.find("iotdps-register") != std::string::npos) return member(publish->payload, "csr");
  }
  return {};
}

LeafOptions Device::leaf_options() const {
  LeafOptions options;
  options.not_before = world.clock.now() - 300'000;
  options.not_after = world.clock.now() + static_cast<UnixMs>(kLifetimeMs);
  return options;
}

void Device::dps_assigned(const LeafOptions& options) {
  dps_answers(200, assigned_body(kHub, kDevice, world.authority.issue(csr(), options)));
}
void Device::dps_assigned() { dps_assigned(leaf_options()); }

bool Device::hub_accepts() {
  return state() == State::kHubConnecting && link.accept() && link.grant() && link.grant() && agent::is_live(state());
}

const sim::ScriptedLink::Publish& Device::last_renewal() const {
  for (auto publish = link.publishes.rbegin(); publish != link.publishes.rend(); ++publish) {
    if (publish->topic.find("issueCertificate") != std::string::npos) return *publish;
  }
  throw std::runtime_error("no renewal was asked for");
}

std::string Device::renewal_csr() const { return member(last_renewal().payload, "csr"); }

std::string Device::renewal_rid() const {
  const std::string& topic = last_renewal().topic;
  return topic.substr(topic.find("$rid=") + 5);
}

void Device::renewal_answers(int status, const std::string& body) {
  const std::string topic = "$iothub/credentials/res/" + std::to_string(status) + "/?$rid=" + renewal_rid();
  link.deliver(topic, std::string_view(body));
}

void Device::renewal_issued() {
  renewal_answers(200, certificates_body(world.authority.issue(renewal_csr(), leaf_options())));
}

void Device::provision() {
  ASSERT_TRUE(dps_accepts());
  dps_assigning();
  ASSERT_TRUE(pass_until(State::kDpsPolling, 10'000));
  dps_assigned();
  ASSERT_EQ(state(), State::kLeaving);
  ASSERT_TRUE(link.finish_disconnect());
  ASSERT_EQ(state(), State::kHubConnecting);
}

void Device::become_live() {
  driver->start();
  provision();
  ASSERT_TRUE(hub_accepts());
  ASSERT_EQ(state(), State::kLive);
}

StoredRecord stored(World& world, ports::Item item) {
  StoredRecord found;
  const auto& medium = world.storage.medium(item);
  if (!medium) return found;
  found.text.assign(medium->begin(), medium->end());
  const auto record = agent::parse_record(found.text);
  found.valid = record.has_value();
  if (record) {
    found.generation = record->generation;
    found.state = record->state;
  }
  return found;
}

}  // namespace latchkey::test
