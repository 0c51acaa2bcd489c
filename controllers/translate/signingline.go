package translate

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// maxGeneratedSecrets bounds the generated secrets of one algorithm that sign at once: each is a signature on every delivery.
const maxGeneratedSecrets = 4

// signingLine is the generated material of one algorithm, the newest first. Only the newest, and while that waits to be shown the one behind it,
// has no end.
type signingLine struct {
	algorithm v1alpha1.DeliverySigningAlgorithm
	secrets   []serving.SigningSecret
	// tookOver says that somebody else put the newest one into the Secret.
	tookOver bool
}

// lineOf answers the line that the documents hold. A Gateway document decides what was dropped; what was made later than all that it names is there
// because the operator stopped between writing the secrets and the document.
func lineOf(algorithm v1alpha1.DeliverySigningAlgorithm, doc *serving.Gateway, secrets *serving.GatewaySecrets) signingLine {
	line := signingLine{algorithm: algorithm}
	if secrets == nil {
		return line
	}
	var named []string
	if doc != nil {
		named = materialNamedBy(doc)
	}
	rank := func(s serving.SigningSecret) int {
		if i := slices.Index(named, s.ID); i >= 0 {
			return i
		}
		return len(named)
	}
	var latest time.Time
	var undated []serving.SigningSecret
	for _, s := range secrets.SigningSecrets {
		switch {
		case !strings.HasPrefix(s.ID, generatedSigningSecret+"-") || deliveryAlgorithm(s.Secret) != algorithm:
		case s.CreatedAt.IsZero():
			undated = append(undated, s)
		default:
			line.secrets = append(line.secrets, s)
			if rank(s) < len(named) {
				latest = later(latest, s.CreatedAt)
			}
		}
	}
	if doc != nil {
		line.secrets = slices.DeleteFunc(line.secrets, func(s serving.SigningSecret) bool { return rank(s) == len(named) && !s.CreatedAt.After(latest) })
	}
	if len(line.secrets) == 0 && len(undated) > 0 {
		// Nothing was rotated yet. The one that the document names first is the current one; another is there because somebody put it into the Secret.
		line.secrets = []serving.SigningSecret{slices.MinFunc(undated, func(a, b serving.SigningSecret) int { return cmp.Compare(rank(a), rank(b)) })}
	}
	slices.SortStableFunc(line.secrets, func(a, b serving.SigningSecret) int {
		return cmp.Or(endless(b)-endless(a), b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(rank(a), rank(b)))
	})
	return line
}

// endless answers 1 for a secret whose end is not decided, else 0.
func endless(s serving.SigningSecret) int {
	if s.SignsUntil.IsZero() {
		return 1
	}
	return 0
}

// waits says whether the newest secret waits to be shown.
func (l *signingLine) waits() bool { return len(l.secrets) > 1 && l.secrets[1].SignsUntil.IsZero() }

// shown answers the secret that people go by, and the former one; either is zero when there is none.
func (l *signingLine) shown() (current, former serving.SigningSecret) {
	secrets := l.secrets
	if l.waits() {
		secrets = secrets[1:]
	}
	if len(secrets) > 0 {
		current = secrets[0]
	}
	if len(secrets) > 1 {
		former = secrets[1]
	}
	return current, former
}

// find answers the place of a secret, -1 when it is not in the line.
func (l *signingLine) find(text string) int {
	return slices.IndexFunc(l.secrets, func(s serving.SigningSecret) bool { return s.Secret.Reveal() == text })
}

// rotate puts a new secret before the others. One that was never rotated is dated then, so that the new one is the later one.
func (l *signingLine) rotate(s serving.SigningSecret) {
	for i := range l.secrets {
		if l.secrets[i].CreatedAt.IsZero() {
			l.secrets[i].CreatedAt = s.CreatedAt.Add(-time.Second)
		}
	}
	l.secrets = slices.Insert(l.secrets, 0, s)
}

// takeOver makes a secret the newest one that somebody else has put into the Secret. Those whose end nobody has decided end at once, as if the Secret were
// the user's own.
func (l *signingLine) takeOver(s serving.SigningSecret) {
	l.secrets = slices.DeleteFunc(l.secrets, func(had serving.SigningSecret) bool { return had.ID == s.ID || had.SignsUntil.IsZero() })
	l.secrets = slices.Insert(l.secrets, 0, s)
	l.tookOver = true
}

// end drops what has signed long enough. The newest one has no end, whatever the document says.
func (l *signingLine) end(now time.Time) {
	l.secrets = slices.DeleteFunc(l.secrets, func(s serving.SigningSecret) bool { return hasEnded(s, now) })
	if len(l.secrets) > 0 {
		l.secrets[0].SignsUntil = time.Time{}
	}
}

func hasEnded(s serving.SigningSecret, now time.Time) bool {
	return !s.SignsUntil.IsZero() && !s.SignsUntil.After(now)
}

// shorten has no former secret sign for longer than the overlap from now on: who chooses a shorter one wants them gone.
func (l *signingLine) shorten(last time.Time) {
	for i := range l.secrets {
		if s := &l.secrets[i]; !s.SignsUntil.IsZero() && s.SignsUntil.After(last) {
			s.SignsUntil = last
		}
	}
}

// bound drops the oldest ones when there are too many.
func (l *signingLine) bound() {
	l.secrets = l.secrets[:min(len(l.secrets), maxGeneratedSecrets)]
}

// nextSigningEnd answers when the first of the secrets has signed long enough; zero when none will.
func nextSigningEnd(all []serving.SigningSecret, now time.Time) time.Time {
	var next time.Time
	for _, s := range all {
		if s.SignsUntil.After(now) {
			next = sooner(next, s.SignsUntil)
		}
	}
	return next
}
