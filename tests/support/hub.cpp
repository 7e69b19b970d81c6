// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hub.h"

#include <signal.h>

#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/support/dps_conversation.h"

namespace latchkey::tests {
namespace {

constexpr int kUpMs = 60'000;
constexpr int kPollMs = 20;

std::string program(const std::string& name) { return std::string(LATCHKEY_BIN) + "/" + name; }

template <class Done>
bool wait_until(int timeout_ms, const Done& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (!done()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
  }
  return true;
}

std::pair<std::string, int> split(const std::string& address) {
  const auto colon = address.rfind(':');
  return {address.substr(0, colon), std::stoi(address.substr(colon + 1))};
}

}  // namespace

Hub::Hub(Options options) : options_(std::move(options)) {
  data_ = options_.data.empty() ? work_.path() / "data" : options_.data;
  if (options_.rehearsal) std::ofstream(clock_file()) << R"({"offset": 0, "rate": 1.0})";
}

Hub::~Hub() {
  if (running()) {
    stop();
    return;
  }
  // a hub that a test killed leaves its brokers: one more hub adopts and stops them
  try {
    if (std::filesystem::exists(data_ / "brokers" / "dps.pid")) {
      start();
      stop();
    }
  } catch (const std::exception&) {  // the test has failed already; nothing better to do here
  }
}

void Hub::start() {
  const auto endpoints = work_.path() / "endpoints.json";
  std::filesystem::remove(endpoints);
  std::vector<std::string> command{program("latchkey"),
                                   "--data",
                                   data_.string(),
                                   "up",
                                   "--dps",
                                   "127.0.0.1:0",
                                   "--hub",
                                   "127.0.0.2:0",
                                   "--endpoints-file",
                                   endpoints.string(),
                                   "--retry-after",
                                   std::to_string(options_.retry_after_s)};
  if (!options_.key_profile.empty()) {
    for (const auto& extra : {std::string("--key-profile"), options_.key_profile}) command.push_back(extra);
  }
  if (options_.rehearsal) {
    for (const auto& extra : {std::string("--rehearsal"), std::string("--clock"), clock_file().string()}) {
      command.push_back(extra);
    }
  }
  command.insert(command.end(), options_.more.begin(), options_.more.end());
  process_ = std::make_unique<Subprocess>(command, log_file());
  const bool up = wait_until(kUpMs, [&] { return std::filesystem::exists(endpoints) || !process_->running(); }) &&
                  process_->running();
  if (!up) throw std::runtime_error("the hub does not come up:\n" + read_text(log_file()));
  read_endpoints();
}

void Hub::read_endpoints() {
  const auto json = nlohmann::json::parse(read_text(work_.path() / "endpoints.json"));
  std::tie(dps_host_, dps_port_) = split(json.at("dps").get<std::string>());
  std::tie(hub_host_, hub_port_) = split(json.at("hub").get<std::string>());
  id_scope_ = json.at("idScope");
  ca_file_ = json.at("caFile");
  key_file_ = json.at("enrollmentKeyFile");
}

void Hub::stop() {
  if (!process_) return;
  process_->signal(SIGTERM);
  process_->wait(kPatienceMs);
  process_.reset();
}

void Hub::kill() {
  process_->signal(SIGKILL);
  process_->wait(kPatienceMs);
  process_.reset();
}

Finished Hub::cli(std::vector<std::string> arguments) {
  std::vector<std::string> command{program("latchkey"), "--data", data_.string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run(command);
}

nlohmann::json Hub::json(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"-o", "json"});
  const auto finished = cli(arguments);
  if (finished.exit_status != 0) {
    std::string line;
    for (const auto& argument : arguments) line += " " + argument;
    throw std::runtime_error("latchkey" + line + " ended with " + std::to_string(finished.exit_status) + ": " +
                             finished.err + finished.out);
  }
  return finished.out.empty() ? nlohmann::json() : nlohmann::json::parse(finished.out);
}

void Hub::set_clock(double offset_s) {
  const auto temporary = work_.path() / "clock.new";
  std::ofstream(temporary) << nlohmann::json{{"offset", offset_s}, {"rate", 1.0}}.dump();
  std::filesystem::rename(temporary, clock_file());
  clock_offset_s_ = offset_s;
  const bool settled = wait_until(kPatienceMs, [&] {
    std::tm clock{};
    strptime(json({"status"}).at("clock").get<std::string>().c_str(), "%Y-%m-%dT%H:%M:%S", &clock);
    return std::abs(static_cast<double>(timegm(&clock)) - (static_cast<double>(std::time(nullptr)) + offset_s)) < 30;
  });
  if (!settled) throw std::runtime_error("the hub does not follow the clock");
}

std::string Hub::group_key() const {
  auto key = read_text(key_file_);
  while (!key.empty() && key.back() == '\n') key.pop_back();
  return key;
}

std::string Hub::dps_username(const std::string& id, const std::string& version) const {
  return id_scope_ + "/registrations/" + id + "/api-version=" + version;
}

std::string Hub::hub_username(const std::string& id) const {
  return hub_host_ + "/" + id + "/?api-version=2025-08-01-preview";
}

DeviceClient::Options Hub::dps_options(const std::string& id, const std::string& password) const {
  DeviceClient::Options options;
  options.host = dps_host_;
  options.port = dps_port_;
  options.client_id = id;
  options.username = dps_username(id);
  options.password = password;
  options.ca_file = ca_file_;
  return options;
}

DeviceClient::Options Hub::hub_options(const std::string& id, const Identity& identity) const {
  DeviceClient::Options options;
  options.host = hub_host_;
  options.port = hub_port_;
  options.client_id = id;
  options.username = hub_username(id);
  options.ca_file = ca_file_;
  if (identity.key) options.identity = identity;
  return options;
}

std::string Hub::token(const std::string& id, std::string key) const {
  if (key.empty()) key = group_key();
  const auto expires = static_cast<long>(std::time(nullptr)) + static_cast<long>(clock_offset_s_) + 3600;
  return sas_token(id_scope_ + "/registrations/" + id, derive_device_key(key, id), expires);
}

nlohmann::json Hub::try_provision(const std::string& id, const std::string& password, const Key& key) {
  DpsConversation conversation(dps_options(id, password));
  const auto answer = conversation.finish(conversation.begin({{"registrationId", id}, {"csr", make_csr(key, id)}}));
  if (answer.status < 0) throw std::runtime_error("DPS does not answer");
  return answer.json();
}

Identity Hub::provision(const std::string& id, std::string key) {
  const auto device_key = make_key();
  return identity_from(try_provision(id, token(id, std::move(key)), device_key), device_key);
}

Identity Hub::identity_from(const nlohmann::json& answer, const Key& key) {
  const auto& body = answer.at("body");
  if (body.value("status", "") != "assigned") throw std::runtime_error("not assigned: " + answer.dump());
  const auto& state = body.at("registrationState");
  Identity identity;
  identity.key = key;
  identity.hub = state.at("assignedHub");
  for (const auto& one : state.at("issuedCertificateChain")) {
    identity.chain.push_back(certificate_from_base64(one.get<std::string>()));
  }
  return identity;
}

Hub::Probe Hub::probe(const std::string& id, const Identity& identity, int tls_version) {
  auto options = hub_options(id, identity);
  options.tls_version = tls_version;
  return probe(options);
}

Hub::Probe Hub::probe(const DeviceClient::Options& options) {
  const auto before = last_decision(options.client_id).first;
  Probe probe;
  {
    DeviceClient client(options);
    probe.seen = client.connect();
  }
  wait_until(kPatienceMs, [&] {  // decisions reach the hub within a tick of the broker
    const auto [number, reason] = last_decision(options.client_id);
    if (number > before) probe.reason = reason;
    return number > before;
  });
  return probe;
}

std::pair<std::uint64_t, std::string> Hub::last_decision(const std::string& id, const std::string& endpoint) {
  const auto decisions = json({"decisions", "list", "--device", id, "--limit", "20"});
  for (const auto& decision : decisions.is_array() ? decisions : decisions.at("value")) {
    if (decision.at("endpoint") == endpoint) return {decision.at("number"), decision.at("reason")};
  }
  return {0, ""};
}

}  // namespace latchkey::tests
