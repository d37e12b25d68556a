package upgradetest

import "fmt"

// This file knows checks of a class: they ask the same question about several members of
// it. It does not know the question.

// forEach judges each of texts, the members of a class. It returns the first failure. If
// there is none, it returns the first note; if there is no note, the first pass; and a skip
// only if all are skipped.
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
			return pass("%s; all %d variants that were tried pass", worst.reason, passed)
		}
		return worst
	}
}
