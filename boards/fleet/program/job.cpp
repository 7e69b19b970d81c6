// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/job.h"

#include <nlohmann/json.hpp>
#include <sstream>

namespace latchkey::boards::fleet::program {
namespace {

using nlohmann::json;

template <class T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

template <class T>
std::optional<T> or_nothing(const json& value) {
  return value.is_null() ? std::nullopt : std::optional<T>(value.get<T>());
}

}  // namespace

std::string to_line(const Job& job) {
  const json line{{"document", job.document},
                  {"devices", or_null(job.changes.devices)},
                  {"seed", or_null(job.changes.seed)},
                  {"durationUs", or_null(job.changes.duration)},
                  {"prefix", job.prefix},
                  {"out", job.out},
                  {"worker", job.worker},
                  {"workers", job.workers},
                  {"first", job.shard.first},
                  {"count", job.shard.count},
                  {"data", job.target.data},
                  {"dps", job.target.dps},
                  {"hub", job.target.hub},
                  {"idScope", job.target.id_scope},
                  {"caFile", job.target.ca_file},
                  {"keyFile", job.target.key_file},
                  {"clockDocument", job.target.clock_document},
                  {"startUs", job.start_us},
                  {"startedMs", job.started_ms},
                  {"handshakes", job.handshakes},
                  {"retryMaxMs", job.retry_max_ms},
                  {"slowRetryMs", job.slow_retry_ms}};
  return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<Job> parse_job(const std::string& text) try {
  const json line = json::parse(text);
  Job job;
  line.at("document").get_to(job.document);
  job.changes.devices = or_nothing<std::uint32_t>(line.at("devices"));
  job.changes.seed = or_nothing<std::uint64_t>(line.at("seed"));
  job.changes.duration = or_nothing<scenario::TimeUs>(line.at("durationUs"));
  line.at("prefix").get_to(job.prefix);
  line.at("out").get_to(job.out);
  line.at("worker").get_to(job.worker);
  line.at("workers").get_to(job.workers);
  line.at("first").get_to(job.shard.first);
  line.at("count").get_to(job.shard.count);
  line.at("data").get_to(job.target.data);
  line.at("dps").get_to(job.target.dps);
  line.at("hub").get_to(job.target.hub);
  line.at("idScope").get_to(job.target.id_scope);
  line.at("caFile").get_to(job.target.ca_file);
  line.at("keyFile").get_to(job.target.key_file);
  line.at("clockDocument").get_to(job.target.clock_document);
  line.at("startUs").get_to(job.start_us);
  line.at("startedMs").get_to(job.started_ms);
  line.at("handshakes").get_to(job.handshakes);
  line.at("retryMaxMs").get_to(job.retry_max_ms);
  line.at("slowRetryMs").get_to(job.slow_retry_ms);
  return job;
} catch (const json::exception&) {
  return std::nullopt;
}

std::string to_line(const swarm::Counters& c) {
  std::ostringstream line;
  line << c.provisioned << ' ' << c.renewed << ' ' << c.hub_connects << ' ' << c.refused << ' ' << c.failed << ' '
       << c.sent << ' ' << c.acknowledged << ' ' << c.connected << ' ' << c.back << ' ' << c.broken;
  return std::move(line).str();
}

std::optional<swarm::Counters> parse_counters(const std::string& text) {
  std::istringstream line(text);
  swarm::Counters c;
  line >> c.provisioned >> c.renewed >> c.hub_connects >> c.refused >> c.failed >> c.sent >> c.acknowledged >>
      c.connected >> c.back >> c.broken;
  return line && line.peek() == std::istringstream::traits_type::eof() ? std::optional(c) : std::nullopt;
}

std::string to_line(history::Ending why) { return "end " + std::string(history::to_string(why)); }

std::optional<history::Ending> parse_ending(const std::string& line) {
  using history::Ending;
  for (const auto why : {Ending::kTimeUp, Ending::kAllBack, Ending::kInterrupted, Ending::kFailed}) {
    if (line == to_line(why)) return why;
  }
  return std::nullopt;
}

}  // namespace latchkey::boards::fleet::program
