// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/report/metrics.h"

#include <array>
#include <cstdio>

namespace latchkey::boards::fleet::report {
namespace {

using Labels = std::vector<std::pair<std::string_view, std::string>>;

class Text {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = "latchkey_fleet_" + std::string(name);
    text_ += "# HELP " + name_ + " " + std::string(help) + "\n# TYPE " + name_ + " " + std::string(type) + "\n";
  }
  void sample(const Labels& labels, std::uint64_t value, std::string_view suffix = "") {
    put(labels, std::to_string(value), suffix);
  }
  void seconds(const Labels& labels, const std::optional<TimeUs>& time, std::string_view suffix = "") {
    char number[40];
    std::snprintf(number, sizeof number, "%.6f", static_cast<double>(time.value_or(0)) / 1e6);
    put(labels, time ? number : "+Inf", suffix);  // beyond all that has ended
  }
  std::string take() { return std::move(text_); }

 private:
  // Backslash, quote and line feed, as the format wants it.
  static std::string escaped(std::string_view value) {
    std::string result;
    for (const char c : value)
      result += c == '\n' ? "\\n" : c == '"' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
    return result;
  }
  void put(const Labels& labels, std::string_view value, std::string_view suffix) {
    text_ += name_ + std::string(suffix);
    char separator = '{';
    for (const auto& [name, of] : labels) {
      text_ += separator + std::string(name) + "=\"" + escaped(of) + "\"";
      separator = ',';
    }
    if (!labels.empty()) text_ += '}';
    text_ += " " + std::string(value) + "\n";
  }
  std::string text_;
  std::string name_;
};

void put_waits(Text& text, const std::string& what, const std::string& from, const Waits& waits) {
  constexpr std::array<std::pair<double, const char*>, 4> kQuantiles{
      {{0.5, "0.5"}, {0.9, "0.9"}, {0.99, "0.99"}, {0.999, "0.999"}}};
  if (waits.all() == 0) return;
  for (const auto& [share, name] : kQuantiles) {
    text.seconds({{"what", what}, {"from", from}, {"quantile", name}}, waits.percentile(share));
  }
  text.sample({{"what", what}, {"from", from}}, waits.all(), "_count");
}

void put_now(Text& text, const Figures& f) {
  text.family("devices", "gauge", "Devices of the scenario.");
  text.sample({}, f.run.devices);
  text.family("sessions", "gauge", "Sessions with the hub, by the generation of their certificate.");
  if (!f.timeline.bins().empty()) {
    for (const auto& [generation, count] : f.timeline.bins().back().connected) {
      text.sample({{"generation", std::to_string(generation)}}, count);
    }
  }
  text.family("asleep", "gauge", "Devices that are switched off.");
  text.sample({}, f.asleep);
  text.family("disabled", "gauge", "Devices that an operator has disabled.");
  text.sample({}, f.disabled);
  text.family("absent", "gauge", "Devices that are awake, not disabled and not connected.");
  text.sample({}, f.absent.size());
  text.family("run_seconds", "gauge", "Time since the start of the run.");
  text.seconds({}, f.length);
}

void put_totals(Text& text, const Figures& f) {
  text.family("connects_total", "counter", "Connections that the hub accepted.");
  text.sample({}, f.connects);
  text.family("certificates_total", "counter", "Certificates that devices stored.");
  text.sample({{"how", "provisioned"}}, f.certificates - f.renewals);
  text.sample({{"how", "renewed"}}, f.renewals);
  text.family("refusals_total", "counter", "Refusals by either service.");
  for (const auto& [reason, count] : f.refusals) text.sample({{"reason", reason}}, count);
  text.family("failures_total", "counter", "Connections that ended without a refusal.");
  for (const auto& [reason, count] : f.failures) text.sample({{"reason", reason}}, count);
  text.family("messages_total", "counter", "Telemetry.");
  text.sample({{"state", "sent"}}, f.telemetry_sent);
  text.sample({{"state", "acknowledged"}}, f.telemetry_acknowledged);
}

void put_acts(Text& text, const Figures& f) {
  text.family("act_devices", "gauge", "What became of the devices that an act concerns.");
  for (const auto& act : f.acts) {
    const auto put = [&](const char* state, std::uint64_t count) {
      text.sample(
          {{"act", std::to_string(act.act.act)}, {"kind", std::string(to_string(act.act.kind))}, {"state", state}},
          count);
    };
    put("affected", act.affected);
    put("live", act.live);
    put("cut", act.cut.ended.count());
    put("refused", act.refused.ended.count());
    put("back", act.back.ended.count());
    put("let_in", act.let_in);
  }
}

}  // namespace

std::string metrics_of(const Figures& f) {
  Text text;
  put_now(text, f);
  put_totals(text, f);
  text.family("latency_seconds", "summary", "How long it took, from when it was begun and from when it was due.");
  const std::array<std::pair<const char*, const Latency*>, 3> kinds{
      {{"connect", &f.connect}, {"provisioning", &f.provisioning}, {"telemetry", &f.telemetry}}};
  for (const auto& [what, latency] : kinds) {
    put_waits(text, what, "begun", latency->from_begun);
    put_waits(text, what, "due", latency->from_due);
  }
  put_acts(text, f);
  return text.take();
}

}  // namespace latchkey::boards::fleet::report
