// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/run.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>
#include <set>
#include <utility>

#include "boards/fleet/history/writer.h"
#include "boards/fleet/program/crew.h"
#include "boards/fleet/program/exporter.h"
#include "boards/fleet/program/operator.h"
#include "boards/fleet/program/preflight.h"
#include "boards/fleet/program/progress.h"
#include "boards/fleet/report/report.h"
#include "boards/fleet/swarm/chronicle.h"
#include "platform/files/descriptor.h"

namespace latchkey::boards::fleet::program {
namespace {

using history::Ending;
using scenario::TimeUs;

constexpr TimeUs kSecond = 1'000'000;
constexpr TimeUs kSettled = 2 * kSecond;  // "all back" has to stay true for so long
constexpr TimeUs kEndWithin = 60 * kSecond;
constexpr TimeUs kLookEvery = 5 * kSecond;  // at all processes

int refuse(int status, const std::string& problem) {
  std::fprintf(stderr, "latchkey-fleet: %s\n", problem.c_str());
  return status;
}

std::int64_t unix_ms() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec * 1000LL + time.tv_nsec / 1'000'000;
}

history::RunBegun first_record(const Prepared& plan) {
  history::RunBegun begun;
  begun.scenario = plan.scenario.name;
  begun.document = plan.scenario.document;
  begun.seed = plan.scenario.seed;
  begun.devices = plan.scenario.devices;
  begun.prefix = plan.job.prefix;
  begun.started_ms = plan.job.started_ms;
  begun.workers = plan.job.workers;
  return begun;
}

// SIGINT and SIGTERM, to be read.
class Signals {
 public:
  Signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    descriptor_ = files::Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  int descriptor() const { return descriptor_.get(); }
  bool take() const {
    signalfd_siginfo info{};
    return ::read(descriptor_.get(), &info, sizeof info) == sizeof info;
  }

 private:
  files::Descriptor descriptor_;
};

class Run {
 public:
  Run(const scenario::Scenario& scenario, Job job, history::Writer writer, const Signals& signals)
      : plan_(scenario),
        job_(std::move(job)),
        writer_(std::move(writer)),
        signals_(signals),
        operator_(job_.target.data),
        expected_(count_expected()),
        progress_(plan_.scenario(), expected_, ::isatty(STDERR_FILENO) == 1) {}

  int live(const std::vector<Shard>& shards);

 private:
  std::uint32_t count_expected() const {
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < plan_.scenario().devices; ++i) count += plan_.comes_back(i) ? 1 : 0;
    return count;
  }
  TimeUs now() const { return swarm::monotonic_us() - job_.start_us; }
  void turn(Crew& crew);
  void do_acts();
  void take_answers();
  void tell_cuts();
  void tell_processes(const Crew& crew);
  void look_at_end(Crew& crew);
  bool all_back(const swarm::Counters& counters);
  void end(Crew& crew, Ending why, const std::string& text = {});

  const scenario::Plan plan_;
  Job job_;
  history::Writer writer_;
  const Signals& signals_;
  Operator operator_;
  const std::uint32_t expected_;
  Progress progress_;
  std::size_t next_act_ = 0;
  std::size_t answered_ = 0;
  std::size_t failed_acts_ = 0;
  std::set<std::pair<std::size_t, bool>> told_cuts_;  // begin (true) or end of a cut
  TimeUs next_second_ = kSecond;
  TimeUs next_look_ = 0;
  TimeUs back_since_ = -1;
  std::optional<history::RunEnded> ending_;
  TimeUs ended_at_ = 0;
};

void Run::do_acts() {
  const auto& acts = plan_.scenario().acts;
  for (; next_act_ < acts.size() && acts[next_act_].at <= now(); ++next_act_) {
    const auto& act = acts[next_act_];
    const auto number = static_cast<std::uint32_t>(next_act_);
    const auto& devices = plan_.chosen(next_act_);
    std::vector<std::string> names;
    for (const auto device : devices) names.push_back(history::device_name(job_.prefix, device));
    writer_.write(now(), history::ActBegun{number, static_cast<history::ActKind>(act.kind), act.name, act.policy,
                                           devices, act.disable});
    operator_.begin(number, commands_of(act, names));
    progress_.say("the operator: " + std::string(scenario::to_string(act.kind)) +
                  (names.empty() ? "" : " (" + grouped(names.size()) + ")"));
  }
}

void Run::take_answers() {
  for (auto& answer : operator_.take_answers()) {
    ++answered_;
    if (!answer.succeeded) {
      ++failed_acts_;
      progress_.say("the operator was refused: " + answer.text);
    }
    writer_.write(now(), answer);
  }
}

// Cuts are told once for the fleet; each worker does its share of them.
void Run::tell_cuts() {
  const auto& cuts = plan_.scenario().cuts;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    for (const bool begins : {true, false}) {
      const auto at = begins ? cuts[i].from : cuts[i].until;
      if (at <= now() && told_cuts_.insert({i, begins}).second) {
        writer_.write(now(), history::Fault{history::FaultKind::kNetworkCut, begins, static_cast<std::int64_t>(i)});
      }
    }
  }
}

void Run::tell_processes(const Crew& crew) {
  if (now() < next_look_) return;
  next_look_ = now() + kLookEvery;
  auto all = processes_of_hub(job_.target.data);
  all.emplace_back("fleet", ::getpid());
  for (auto& worker : crew.processes()) all.push_back(std::move(worker));
  for (const auto& process : look_at(all)) writer_.write(now(), process);
}

bool Run::all_back(const swarm::Counters& counters) {
  const bool done = plan_.scenario().ends_when_all_back && next_act_ == plan_.scenario().acts.size() &&
                    answered_ == next_act_ && counters.back >= expected_;
  if (!done) back_since_ = -1;
  if (done && back_since_ < 0) back_since_ = now();
  return done && now() - back_since_ >= kSettled + plan_.scenario().linger;
}

void Run::look_at_end(Crew& crew) {
  const auto counters = crew.total();
  if (!crew.problem().empty()) return end(crew, Ending::kFailed, crew.problem());
  if (writer_.status() != Status::kOk) return end(crew, Ending::kFailed, "the history cannot be written");
  if (all_back(counters)) return end(crew, Ending::kAllBack);
  if (now() >= plan_.scenario().duration) return end(crew, Ending::kTimeUp);
}

void Run::end(Crew& crew, Ending why, const std::string& text) {
  if (ending_) return;
  ending_ = history::RunEnded{why, text};
  ended_at_ = now();
  writer_.write(ended_at_, *ending_);
  writer_.flush();
  crew.end(why);
}

void Run::turn(Crew& crew) {
  std::vector<pollfd> waits{{signals_.descriptor(), POLLIN, 0}, {operator_.descriptor(), POLLIN, 0}};
  crew.add_to(waits);
  auto next = next_second_;
  if (next_act_ < plan_.scenario().acts.size()) next = std::min(next, plan_.scenario().acts[next_act_].at);
  const auto wait_ms = std::clamp<TimeUs>((next - now()) / 1000 + 1, 0, 1'000);
  ::poll(waits.data(), waits.size(), static_cast<int>(wait_ms));
  while (signals_.take()) {
    if (ending_) crew.kill();  // asked twice: at once
    end(crew, Ending::kInterrupted);
  }
  crew.hear();
  if (ending_) {
    if (now() - ended_at_ > kEndWithin) crew.kill();
    return;
  }
  take_answers();
  do_acts();
  tell_cuts();
  if (now() >= next_second_) {
    next_second_ = std::max(next_second_ + kSecond, now());
    progress_.show(now(), crew.total());
    tell_processes(crew);
    writer_.flush();
  }
  look_at_end(crew);
}

int Run::live(const std::vector<Shard>& shards) {
  std::vector<Job> jobs;
  for (const auto& shard : shards) {
    jobs.push_back(job_);
    jobs.back().worker = static_cast<std::uint32_t>(jobs.size());
    jobs.back().shard = shard;
  }
  std::string problem;
  auto crew = Crew::start(jobs, problem);
  if (!crew) return refuse(kBroken, problem);
  while (!ending_ || crew->any_at_work()) turn(*crew);
  const auto total = crew->total();
  progress_.say(progress_.line(ended_at_, total));
  progress_.say("the run is over: " + std::string(history::to_string(ending_->why)) +
                (ending_->text.empty() ? "" : " (" + ending_->text + ")"));
  if (total.broken > 0)
    progress_.say("a fault of ours: " + grouped(total.broken) + " promises of the agent's core broken");
  return ending_->why == Ending::kFailed || failed_acts_ > 0 ? kBroken : kDone;
}

}  // namespace

int run_fleet(const RunOptions& options) {
  auto plan = prepare(options);
  if (!plan) return refuse(plan.error().status, plan.error().problem);
  const Signals signals;
  auto& job = plan->job;
  job.start_us = swarm::monotonic_us();
  job.started_ms = unix_ms();
  std::unique_ptr<Exporter> exporter;
  if (options.metrics) {
    exporter = Exporter::start(*options.metrics, job.out, job.workers,
                               [start = job.start_us] { return swarm::monotonic_us() - start; });
    if (!exporter) return refuse(kBadInput, "figures cannot be served at the address that --metrics names");
    std::fprintf(stderr, "figures at %s\n", exporter->url().c_str());
  }
  auto writer = history::Writer::create(history::file_of(job.out, 0), first_record(*plan));
  if (!writer) return refuse(kBroken, "no history can be written to " + job.out);
  std::fprintf(stderr, "%s: %s devices in %s process%s, against the hub in %s; histories in %s\n",
               plan->scenario.name.c_str(), grouped(plan->scenario.devices).c_str(),
               grouped(plan->shards.size()).c_str(), plan->shards.size() == 1 ? "" : "es", job.target.data.c_str(),
               job.out.c_str());
  Run run(plan->scenario, job, std::move(*writer), signals);
  const int status = run.live(plan->shards);
  return std::max(status, report_on(job.out));
}

int report_on(const std::string& folder) {
  const auto written = report::write_report(folder);
  if (!written) {
    return refuse(written.error() == Status::kNotFound ? kNotFound : kBroken,
                  written.error() == Status::kNotFound ? "there are no histories in " + folder
                                                       : "no report can be written to " + folder);
  }
  std::printf("%s\n%s\n%s\n", written->summary.c_str(), written->json.c_str(), written->page.c_str());
  return kDone;
}

}  // namespace latchkey::boards::fleet::program
