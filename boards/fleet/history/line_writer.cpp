// SPDX-License-Identifier: Apache-2.0
// Writing a record's line. By hand: it happens on the path that the fleet's own latencies are measured on.
#include <charconv>
#include <concepts>
#include <nlohmann/json.hpp>

#include "boards/fleet/history/text.h"

namespace latchkey::boards::fleet::history {
namespace {

constexpr std::size_t kMostText = 200;

class Line {
 public:
  explicit Line(std::string& out) : out_(out) {}

  template <std::integral Number>
  void number(std::string_view name, Number value) {
    member(name);
    append(value);
  }
  void flag(std::string_view name, bool value) {
    member(name);
    out_ += value ? "true" : "false";
  }
  // Names of ours: nothing in them needs escaping.
  void word(std::string_view name, std::string_view value) {
    member(name);
    out_ += '"';
    out_ += value;
    out_ += '"';
  }
  // Left out when empty.
  void text(std::string_view name, std::string_view value, std::size_t most = kMostText) {
    if (value.empty()) return;
    if (plain(value) && value.size() <= most) return word(name, value);
    member(name);
    out_ += nlohmann::json(value.substr(0, most)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  void devices(std::string_view name, const std::vector<Device>& list) {
    if (list.empty()) return;
    member(name);
    char separator = '[';
    for (const Device device : list) {
      out_ += separator;
      append(device);
      separator = ',';
    }
    out_ += ']';
  }
  // Bucket and count in turn; left out when empty.
  void histogram(std::string_view name, const Histogram& histogram) {
    if (histogram.empty()) return;
    member(name);
    char separator = '[';
    for (const auto& [bucket, times] : histogram.used()) {
      out_ += separator;
      append(bucket);
      out_ += ',';
      append(times);
      separator = ',';
    }
    out_ += ']';
  }

 private:
  static bool plain(std::string_view text) {
    for (const char c : text) {
      if (c < ' ' || c > '~' || c == '"' || c == '\\') return false;
    }
    return true;
  }
  void member(std::string_view name) {
    out_ += ",\"";
    out_ += name;
    out_ += "\":";
  }
  template <std::integral Number>
  void append(Number value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out_.append(digits, end);
  }
  std::string& out_;
};

struct Names {
  std::string_view operator()(const RunBegun&) const { return "run"; }
  std::string_view operator()(const Due&) const { return "due"; }
  std::string_view operator()(const Asleep&) const { return "asleep"; }
  std::string_view operator()(const Connecting&) const { return "connecting"; }
  std::string_view operator()(const Connected&) const { return "connected"; }
  std::string_view operator()(const Refused&) const { return "refused"; }
  std::string_view operator()(const Ended&) const { return "ended"; }
  std::string_view operator()(const Stored&) const { return "stored"; }
  std::string_view operator()(const Telemetry&) const { return "telemetry"; }
  std::string_view operator()(const Load&) const { return "load"; }
  std::string_view operator()(const Process&) const { return "process"; }
  std::string_view operator()(const ActBegun&) const { return "act"; }
  std::string_view operator()(const ActAnswered&) const { return "answered"; }
  std::string_view operator()(const Fault&) const { return "fault"; }
  std::string_view operator()(const RunEnded&) const { return "end"; }
};

struct Members {
  Line line;

  void operator()(const RunBegun& run) {
    constexpr std::size_t kMostDocument = 1 << 20;
    line.number("version", 1);
    line.text("scenario", run.scenario);
    line.number("seed", run.seed);
    line.number("devices", run.devices);
    line.text("prefix", run.prefix);
    line.number("started_ms", run.started_ms);
    line.number("worker", run.worker);
    line.number("workers", run.workers);
    line.number("first", run.first);
    line.number("count", run.count);
    line.text("document", run.document, kMostDocument);
  }
  void operator()(const Due& due) {
    line.word("cause", to_string(due.cause));
    line.number("at", due.at);
  }
  void operator()(const Asleep& asleep) {
    if (asleep.until != kNever) line.number("until", asleep.until);
  }
  void operator()(const Connecting& connecting) {
    line.word("service", to_string(connecting.service));
    line.number("generation", connecting.generation);
  }
  void operator()(const Connected& connected) {
    line.word("service", to_string(connected.service));
    line.number("generation", connected.generation);
  }
  void operator()(const Refused& refused) {
    line.word("service", to_string(refused.service));
    line.word("by", to_string(refused.by));
    line.number("code", refused.code);
    line.text("message", refused.message);
  }
  void operator()(const Ended& ended) {
    line.word("service", to_string(ended.service));
    line.flag("was_connected", ended.was_connected);
    line.word("why", to_string(ended.why));
    if (ended.detail != 0) line.number("detail", ended.detail);
  }
  void operator()(const Stored& stored) {
    line.number("generation", stored.generation);
    line.text("serial", stored.serial);
    line.text("issuer", stored.issuer);
    line.number("not_after_ms", stored.not_after_ms);
    line.flag("renewed", stored.renewed);
  }
  void operator()(const Telemetry& telemetry) {
    line.number("sent", telemetry.sent);
    line.number("acknowledged", telemetry.acknowledged);
    line.histogram("from_sent", telemetry.from_sent);
    line.histogram("from_due", telemetry.from_due);
  }
  void operator()(const Load& load) {
    line.number("memory_kib", load.memory_kib);
    line.number("cpu_ms", load.cpu_ms);
    line.number("connections", load.connections);
  }
  void operator()(const Process& process) {
    line.text("name", process.name);
    line.number("pid", process.pid);
    line.number("memory_kib", process.memory_kib);
    line.number("cpu_ms", process.cpu_ms);
  }
  void operator()(const ActBegun& act) {
    line.number("act", act.act);
    line.word("kind", to_string(act.kind));
    line.text("name", act.name);
    line.text("target", act.target);
    line.devices("devices", act.devices);
    if (act.disable) line.flag("disable", true);
  }
  void operator()(const ActAnswered& answer) {
    line.number("act", answer.act);
    line.flag("succeeded", answer.succeeded);
    line.text("text", answer.text);
  }
  void operator()(const Fault& fault) {
    line.word("kind", to_string(fault.kind));
    line.flag("begins", fault.begins);
    line.number("number", fault.number);
  }
  void operator()(const RunEnded& end) {
    line.word("why", to_string(end.why));
    line.text("text", end.text);
  }
};

}  // namespace

void append_line(std::string& out, TimeUs time, Device device, const Body& body) {
  out += "{\"k\":\"";
  out += std::visit(Names{}, body);
  out += '"';
  Line line(out);
  line.number("t", time);
  if (device != kNoDevice) line.number("d", device);
  std::visit(Members{line}, body);
  out += "}\n";
}

}  // namespace latchkey::boards::fleet::history
