#pragma once
// Which text the chain accepts. This consensus rule is frozen. It is separate from base::is_plain(), the rule for
// terminals, which may change as terminals do. Code that displays chain text calls base::printable().
//
// Rule  well-formed UTF-8 (Unicode 15, table 3-7) without the control characters U+0000 to U+001F (C0), U+007F (DEL)
//       and U+0080 to U+009F (C1).
#include <string_view>

namespace troupe::chain {

bool is_chain_text(std::string_view text);

}  // namespace troupe::chain
