// SPDX-License-Identifier: Apache-2.0
// Reading a record's line.
#include <limits>
#include <nlohmann/json.hpp>

#include "boards/fleet/history/internal/names.h"
#include "boards/fleet/history/text.h"

namespace latchkey::boards::fleet::history {
namespace {

using nlohmann::json;

// Takes members by name and type; the first that is not as it must be is remembered.
class Members {
 public:
  explicit Members(const json& object) : object_(object) {}

  template <class Number>
  Number number(const char* name) {
    if (const auto found = object_.find(name); found != object_.end() && found->is_number_integer()) {
      if (const auto value = in_range<Number>(*found)) return *value;
    }
    refuse(name);
    return {};
  }
  template <class Number>
  Number number_or(const char* name, Number otherwise) {
    return object_.contains(name) ? number<Number>(name) : otherwise;
  }
  bool flag(const char* name) {
    const auto found = object_.find(name);
    if (found != object_.end() && found->is_boolean()) return found->get<bool>();
    refuse(name);
    return false;
  }
  bool flag_or(const char* name, bool otherwise) { return object_.contains(name) ? flag(name) : otherwise; }
  std::string text(const char* name) {  // one that is not there is empty
    const auto found = object_.find(name);
    if (found == object_.end()) return {};
    if (found->is_string()) return found->get<std::string>();
    refuse(name);
    return {};
  }
  template <class Enum>
  Enum word(const char* name) {
    if (const auto value = named<Enum>(text(name))) return *value;
    refuse(name);
    return {};
  }
  template <class Number>
  std::vector<Number> numbers(const char* name) {
    std::vector<Number> result;
    const auto found = object_.find(name);
    if (found == object_.end()) return result;
    if (!found->is_array()) {
      refuse(name);
      return result;
    }
    for (const auto& one : *found) {
      const auto value = one.is_number_integer() ? in_range<Number>(one) : std::nullopt;
      if (!value) refuse(name);
      result.push_back(value.value_or(Number{}));
    }
    return result;
  }
  Histogram histogram(const char* name) {
    Histogram result;
    const auto list = numbers<std::uint64_t>(name);
    if (list.size() % 2 != 0) refuse(name);
    for (std::size_t i = 0; i + 1 < list.size(); i += 2) {
      if (list[i] >= Histogram::buckets())
        refuse(name);
      else
        result.add_bucket(static_cast<std::uint32_t>(list[i]), list[i + 1]);
    }
    return result;
  }
  void refuse(const char* name) {
    if (fault_.empty()) fault_ = std::string("member '") + name + "'";
  }
  const std::string& fault() const { return fault_; }

 private:
  template <class Number>
  static std::optional<Number> in_range(const json& value) {
    if (value.is_number_unsigned()) {
      const auto number = value.get<std::uint64_t>();
      if (number > static_cast<std::uint64_t>(std::numeric_limits<Number>::max())) return std::nullopt;
      return static_cast<Number>(number);
    }
    const auto number = value.get<std::int64_t>();  // below zero
    if (std::numeric_limits<Number>::min() == 0 ||
        number < static_cast<std::int64_t>(std::numeric_limits<Number>::min()))
      return std::nullopt;
    return static_cast<Number>(number);
  }
  const json& object_;
  std::string fault_;
};

RunBegun read_run(Members& m) {
  RunBegun run;
  if (m.number<int>("version") != 1) m.refuse("version");
  run.scenario = m.text("scenario");
  run.document = m.text("document");
  run.seed = m.number<std::uint64_t>("seed");
  run.devices = m.number<std::uint32_t>("devices");
  run.prefix = m.text("prefix");
  run.started_ms = m.number<std::int64_t>("started_ms");
  run.worker = m.number<std::uint32_t>("worker");
  run.workers = m.number<std::uint32_t>("workers");
  run.first = m.number<Device>("first");
  run.count = m.number<std::uint32_t>("count");
  return run;
}

ActBegun read_act(Members& m) {
  return {m.number<std::uint32_t>("act"), m.word<ActKind>("kind"),    m.text("name"), m.text("target"),
          m.numbers<Device>("devices"),   m.flag_or("disable", false)};
}

std::optional<Body> read_fleet_body(std::string_view kind, Members& m) {
  if (kind == "run") return read_run(m);
  if (kind == "telemetry") {
    return Telemetry{m.number<std::uint64_t>("sent"), m.number<std::uint64_t>("acknowledged"), m.histogram("from_sent"),
                     m.histogram("from_due")};
  }
  if (kind == "load") {
    return Load{m.number<std::uint64_t>("memory_kib"), m.number<std::uint64_t>("cpu_ms"),
                m.number<std::uint32_t>("connections")};
  }
  if (kind == "process") {
    return Process{m.text("name"), m.number<std::uint32_t>("pid"), m.number<std::uint64_t>("memory_kib"),
                   m.number<std::uint64_t>("cpu_ms")};
  }
  if (kind == "act") return read_act(m);
  if (kind == "answered") return ActAnswered{m.number<std::uint32_t>("act"), m.flag("succeeded"), m.text("text")};
  if (kind == "fault") return Fault{m.word<FaultKind>("kind"), m.flag("begins"), m.number<std::int64_t>("number")};
  if (kind == "end") return RunEnded{m.word<Ending>("why"), m.text("text")};
  return std::nullopt;
}

std::optional<Body> read_device_body(std::string_view kind, Members& m) {
  if (kind == "connecting") return Connecting{m.word<Service>("service"), m.number<std::uint32_t>("generation")};
  if (kind == "connected") return Connected{m.word<Service>("service"), m.number<std::uint32_t>("generation")};
  if (kind == "ended") {
    return Ended{m.word<Service>("service"), m.flag("was_connected"), m.word<Why>("why"),
                 m.number_or<std::int32_t>("detail", 0)};
  }
  if (kind == "due") return Due{m.word<Cause>("cause"), m.number<TimeUs>("at")};
  if (kind == "asleep") return Asleep{m.number_or<TimeUs>("until", kNever)};
  if (kind == "refused") {
    return Refused{m.word<Service>("service"), m.word<RefusedBy>("by"), m.number<std::uint32_t>("code"),
                   m.text("message")};
  }
  if (kind == "stored") {
    return Stored{m.number<std::uint32_t>("generation"), m.text("serial"), m.text("issuer"),
                  m.number<std::int64_t>("not_after_ms"), m.flag("renewed")};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Record> parse_line(std::string_view line, std::string& why) {
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object()) {
    why = "not a JSON object";
    return std::nullopt;
  }
  Members members(object);
  const std::string kind = members.text("k");
  Record record;
  record.time = members.number<TimeUs>("t");
  record.device = members.number_or<Device>("d", kNoDevice);
  auto body = read_device_body(kind, members);
  if (body && record.device == kNoDevice) {
    why = "no record: '" + kind + "' without a device";
    return std::nullopt;
  }
  if (!body) body = read_fleet_body(kind, members);
  if (!body || !members.fault().empty()) {
    why = body ? "no record: " + members.fault() : "no record: kind '" + kind.substr(0, 40) + "'";
    return std::nullopt;
  }
  record.body = std::move(*body);
  return record;
}

}  // namespace latchkey::boards::fleet::history
