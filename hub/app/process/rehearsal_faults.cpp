// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/rehearsal_faults.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "hub/text/json.h"

namespace latchkey::hub::app {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::Refusal;
using registry::refuse;
using rehearsal::Effect;
using rehearsal::EffectKind;
using rehearsal::Operation;
using rehearsal::Target;

namespace {

constexpr const char* kUsualMessage = "the service failed (rehearsed)";

std::string folded(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string message_of(const Effect& effect) { return effect.message.empty() ? kUsualMessage : effect.message; }

// Keeps one operation back for as long as its effect says.
std::function<bool()> hold_for(rehearsal::Faults& faults, const Effect& effect) {
  if (effect.until_released) return [&faults, rule = effect.rule] { return faults.stands(rule); };
  if (effect.polls > 0) return [left = effect.polls]() mutable { return left-- > 0; };
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(effect.seconds);
  return [until] { return std::chrono::steady_clock::now() < until; };
}

management::Response error_response(int status, const std::string& code, const std::string& message) {
  constexpr int kTryAgain = 5;
  constexpr int kOurFault = 1;
  const nlohmann::json error = {
      {"code", code}, {"message", message}, {"exitStatus", status == 429 ? kTryAgain : kOurFault}};
  return {status, text::dump(nlohmann::json{{"error", error}})};
}

}  // namespace

// --- provisioning

DpsFaults::Fate DpsFaults::registration(const std::string& id, const registry::Enrollment& enrollment) {
  Fate fate;
  const auto effect =
      faults_.strike({.operation = Operation::kDpsRegister, .device = id, .policy = enrollment.policy_name});
  if (!effect) return fate;
  if (effect->kind == EffectKind::kThrottled) fate.throttled_s = static_cast<std::uint32_t>(effect->seconds);
  if (effect->kind == EffectKind::kFailed) fate.failed = Refusal{Reason::kIssuanceFailed, message_of(*effect)};
  if (effect->kind == EffectKind::kWithoutCertificate) fate.without_certificate = true;
  if (effect->kind == EffectKind::kStuck) fate.held = hold_for(faults_, *effect);
  return fate;
}

std::optional<std::uint32_t> DpsFaults::poll(const std::string& id, const registry::Enrollment& enrollment) {
  const auto effect =
      faults_.strike({.operation = Operation::kDpsPoll, .device = id, .policy = enrollment.policy_name});
  if (!effect) return std::nullopt;
  return static_cast<std::uint32_t>(effect->seconds);
}

// --- acts that are left half done

void HalfDone::add(const std::string& policy_path) {
  const std::lock_guard lock(mutex_);
  paths_.insert("/" + folded(policy_path));
}

bool HalfDone::take(std::string path) {
  path = folded(std::move(path));
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(paths_.begin(), paths_.end(), [&](const auto& one) { return path.ends_with(one); });
  if (found == paths_.end()) return false;
  paths_.erase(found);
  return true;
}

// --- the registry

Outcome<Nothing> StoreFaults::before(std::string_view action, std::string_view resource) {
  halving_ = false;
  // Whoever rehearses can always change what is rehearsed.
  if (!faults_.any() || action.starts_with("rehearsal.")) return Nothing{};
  if (action == "policy.revoke" && faults_.strike({.operation = Operation::kPolicyRevoke, .resource = resource})) {
    halving_ = true;
    half_done_.add(std::string(resource));
  }
  const auto effect = faults_.strike({.operation = Operation::kStoreCommit, .resource = resource, .action = action});
  if (!effect) return Nothing{};
  if (effect->kind == EffectKind::kFull) return refuse(Reason::kStorage, "storage full: the disk is full (rehearsed)");
  std::this_thread::sleep_for(std::chrono::milliseconds(effect->milliseconds));
  return Nothing{};
}

// A sync that is late stays away until its time has come, whoever asks for one meanwhile.
StoreFaults::Sync StoreFaults::sync(std::string_view action, const registry::Policy& policy, const registry::Hub& hub) {
  if (halving_) return Sync::kRemovalsOnly;
  const Pair pair{policy.uuid, hub.uuid};
  const std::lock_guard lock(mutex_);
  if (const auto found = late_.find(pair); found != late_.end()) {
    if (!is_due(found->second)) return found->second.meanwhile;
    late_.erase(found);
    namespaces_.erase(pair);
    return Sync::kWhole;
  }
  const auto effect =
      faults_.strike({.operation = Operation::kHubSync, .action = action, .policy = policy.name, .hub = hub.name});
  if (!effect) return Sync::kWhole;
  const auto meanwhile = effect->keeps_old ? Sync::kNothing : Sync::kRemovalsOnly;
  if (effect->kind == EffectKind::kLate) {
    const auto due =
        effect->until_released ? Time::max() : std::chrono::steady_clock::now() + std::chrono::seconds(effect->seconds);
    late_[pair] = {due, effect->until_released ? effect->rule : 0, meanwhile, false};
    namespaces_[pair] = policy.namespace_uuid;
    changed_.notify_all();
  }
  return meanwhile;
}

void StoreFaults::start(Resync resync) {
  resync_ = std::move(resync);
  thread_ = std::thread([this] { run(); });
}

void StoreFaults::released() {
  const std::lock_guard lock(mutex_);
  for (auto& [pair, late] : late_) {
    if (late.rule == 0 || !is_due(late)) continue;
    late.due = std::chrono::steady_clock::now();
    late.rule = 0;
  }
  changed_.notify_all();
}

void StoreFaults::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void StoreFaults::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto waiting = [](const auto& one) { return !one.second.called; };
    const auto first = std::min_element(late_.begin(), late_.end(), [&](const auto& a, const auto& b) {
      return waiting(a) != waiting(b) ? waiting(a) : a.second.due < b.second.due;
    });
    if (first == late_.end() || first->second.called || first->second.due == Time::max()) {
      changed_.wait(lock);
    } else if (const auto due = first->second.due; std::chrono::steady_clock::now() < due) {
      changed_.wait_until(lock, due);
    } else {
      first->second.called = true;
      const Uuid ns = namespaces_[first->first];
      lock.unlock();
      resync_(ns);
      lock.lock();
    }
  }
}

// --- operations of the ARM face

OperationFaults::Pace OperationFaults::begin(std::string_view action, const std::string& resource) {
  Pace pace;
  if (half_done_.take(resource)) pace.failure = Refusal{Reason::kGenericServerError, kUsualMessage};
  const auto effect = faults_.strike({.operation = Operation::kArmOperation, .resource = resource, .action = action});
  if (!effect) return pace;
  if (effect->kind == EffectKind::kFailed) pace.failure = Refusal{Reason::kGenericServerError, message_of(*effect)};
  pace.after_ms = effect->seconds * 1000;
  pace.polls = static_cast<unsigned>(effect->polls);
  if (effect->until_released) {
    const std::lock_guard lock(mutex_);
    held_[{std::string(action), resource}] = effect->rule;
  }
  return pace;
}

bool OperationFaults::held(std::string_view action, const std::string& resource) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find({std::string(action), resource});
  if (found == held_.end()) return false;
  if (faults_.stands(found->second)) return true;
  held_.erase(found);
  return false;
}

// --- revocation lists

ca::Spoilt spoilt_list(rehearsal::Faults& faults, const registry::CaCertificate& ca) {
  const auto effect = faults.strike({.operation = Operation::kCrlPublish, .resource = ca.subject});
  if (!effect) return ca::Spoilt::kNot;
  return effect->kind == EffectKind::kStale ? ca::Spoilt::kStale : ca::Spoilt::kWronglySigned;
}

// --- requests

management::Response RequestFaults::handle(const management::Request& request, const Next& next) {
  static constexpr std::string_view kMethods[] = {"GET", "PUT", "PATCH", "POST", "DELETE"};
  constexpr std::string_view kRevoke = "/revokeissuer";
  constexpr int kFirstError = 400;
  const auto effect = faults_.strike({.operation = Operation::kManagement,
                                      .resource = request.path,
                                      .method = kMethods[static_cast<std::size_t>(request.method)]});
  if (effect && effect->kind == EffectKind::kThrottled) {
    auto response = error_response(429, "TooManyRequests", "too many requests (rehearsed)");
    response.fields.emplace_back("Retry-After", std::to_string(effect->seconds));
    return response;
  }
  const auto code = effect && !effect->code.empty() ? effect->code : std::string("GenericServerError");
  if (effect && effect->kind == EffectKind::kFailed) return error_response(500, code, message_of(*effect));
  if (effect) {
    const nlohmann::json error = {{"code", code}, {"message", message_of(*effect)}};
    return {200, text::dump(nlohmann::json{{"result", "Failed"}, {"error", error}})};
  }
  auto response = next(request);
  auto path = folded(request.path);
  if (!path.ends_with(kRevoke)) return response;
  path.resize(path.size() - kRevoke.size());
  // Refused acts are told as they are.
  if (!half_done_.take(path) || response.status >= kFirstError) return response;
  return error_response(500, "GenericServerError", kUsualMessage);
}

}  // namespace latchkey::hub::app
