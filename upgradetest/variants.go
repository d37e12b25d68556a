package upgradetest

import "fmt"

// This file knows checks that stand for a class: they ask the same of several members of
// it. It knows nothing of what is asked.

// forEach judges each of texts, the members of a class. What fails first is told, or else
// what cannot be judged; if all pass, the last one is.
func forEach(judge func(text string) func(*session) finding, texts ...string) func(*session) finding {
	return func(s *session) finding {
		var (
			worst finding
			used  []*exchange
		)
		passed := 0
		for _, text := range texts {
			s.used = nil
			f := judge(text)(s)
			if s.err != nil {
				return f
			}
			if f.verdict != Pass {
				f.reason = fmt.Sprintf("%+q: %s", text, f.reason)
			}
			switch f.verdict {
			case Fail:
				return f
			case Pass:
				passed++
			}
			if used == nil || f.verdict == Note && worst.verdict != Note || f.verdict == Pass && worst.verdict == Skip {
				worst, used = f, s.used
			}
		}
		s.used = used
		if worst.verdict == Pass {
			return pass("%s; so do all %d that were tried", worst.reason, passed)
		}
		return worst
	}
}
