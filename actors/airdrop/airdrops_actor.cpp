#include "actors/airdrop/airdrops_actor.hpp"

#include "actors/airdrop/list_actor.hpp"

namespace troupe::airdrop {

void AirdropsActor::receive(runtime::Handlers& on) {
  receive_home(on);
  on.describe<wire::AirdropsState>([this](wire::AirdropsState::Builder state) {
    state.setPlace(settings_.book.text());
    state.setHere(seat().here());
    state.setWhy(gateway().why());
  });
}

void AirdropsActor::publish() {
  node()
      .publish<wire::CreateAirdrop, wire::AddPage, wire::GetAirdrop, wire::ListAirdrops, wire::GetPage,
               wire::GetObjections, wire::Object, wire::Decide, wire::RunAirdrop>(kPath, self());
}

std::optional<base::Error> AirdropsActor::refusal(const runtime::Envelope& question) {
  if (question.kind() != &messages::kind_of<wire::CreateAirdrop>() || !seat().place().chain || user(caller()).reserved)
    return std::nullopt;
  return base::Error{base::Code::refused,
                     "on a chain the node of an airdrop pays the fees of its payments, so it accepts only airdrops of "
                     "its own operators: create it at your own node"};
}

runtime::Handle AirdropsActor::begin_child(const std::string& name) {
  return spawn<ListActor>(name, ListActor::Setup{settings_, seat().place(), seat().term()});
}

}  // namespace troupe::airdrop
