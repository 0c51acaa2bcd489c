package translate

import (
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

const (
	defaultOverlapHours = 168
	defaultIdleHours    = 24

	// reportLag is how far the report of a use may be behind: servers report to the minute, and a moment later.
	reportLag = 2 * time.Minute
)

// decideEnds says of each former secret when it stops working. AfterOverlap gives it the overlap, counted from when its successor is shown, or from
// when the policy is chosen; one that was promised an end keeps it. Without an overlap it ends at once, promised or not: who chooses that wants
// former secrets dead. AfterFirstUse decides no end beforehand, and takes back those that were.
//
// The secret that people still go by while another one waits is no former one: it gets its overlap when the other is shown, not before.
func (c *credentials) decideEnds(rotation v1alpha1.Rotation) {
	overlap := time.Duration(valueOr(rotation.OverlapHours, defaultOverlapHours)) * time.Hour
	afterUse := rotation.RetirePrevious == v1alpha1.RetireAfterFirstUse
	if !afterUse && overlap == 0 {
		c.live = c.live[:c.firstFormer()]
	}
	former := c.former()
	for i := range former {
		switch {
		case afterUse:
			former[i].ExpiresAt = time.Time{}
		case former[i].ExpiresAt.IsZero():
			former[i].ExpiresAt = c.now.Add(overlap)
		}
	}
}

// retirement is what decides whether a former secret is retired.
type retirement struct {
	in     ClientInput
	former serving.Credential
	// newer are the secrets that came after it.
	newer []serving.Credential
}

// keepCheck is one reason to keep a former secret.
type keepCheck struct {
	name  string
	keeps func(retirement) bool
}

// keepChecks are the reasons to keep a former secret, in the order in which they are looked at. Without any of them it is retired.
func keepChecks() []keepCheck {
	return []keepCheck{
		{"it works until its overlap is over", retirement.hasAnEnd},
		{"no server replica is live to say that it is not in use", retirement.isUnwatched},
		{"no newer secret has been used", retirement.hasUnusedSuccessors},
		{"it was in use a moment ago", retirement.isNotIdle},
	}
}

// kept answers the name of the first check that keeps the secret; empty when it is retired.
func (r retirement) kept() string {
	for _, check := range keepChecks() {
		if check.keeps(r) {
			return check.name
		}
	}
	return ""
}

func (r retirement) hasAnEnd() bool {
	return r.in.Client.Spec.Rotation.RetirePrevious != v1alpha1.RetireAfterFirstUse
}

func (r retirement) isUnwatched() bool { return r.in.Uses == nil }

func (r retirement) hasUnusedSuccessors() bool {
	return !slices.ContainsFunc(r.newer, func(k serving.Credential) bool { return !lastUse(r.in, k.ID).IsZero() })
}

func (r retirement) isNotIdle() bool { return r.in.Now.Before(r.idleAt()) }

// idleAt answers when the secret will have been idle for long enough if nobody uses it. Until its successor was there it was in use, reported or not.
func (r retirement) idleAt() time.Time {
	since := later(lastUse(r.in, r.former.ID), r.former.CreatedAt)
	if len(r.newer) > 0 {
		since = later(since, r.newer[len(r.newer)-1].CreatedAt)
	}
	idle := r.in.Client.Spec.Rotation.IdleHours
	if idle == 0 {
		idle = defaultIdleHours // stored before the field was there
	}
	return since.Add(time.Duration(idle)*time.Hour + reportLag)
}

// retirements answers the question for each former secret.
func (c *credentials) retirements(in ClientInput) []retirement {
	var all []retirement
	for i := c.firstFormer(); i < len(c.live); i++ {
		all = append(all, retirement{in: in, former: c.live[i], newer: c.live[:i]})
	}
	return all
}

// retire ends the former secrets that nothing keeps.
func (c *credentials) retire(in ClientInput) {
	kept := slices.Clone(c.live[:c.firstFormer()])
	for _, r := range c.retirements(in) {
		if r.kept() != "" {
			kept = append(kept, r.former)
		}
	}
	c.live = kept
}

// nextRetirement answers when time alone may retire the first of the former secrets; zero when it won't.
func (c *credentials) nextRetirement(in ClientInput) time.Time {
	var next time.Time
	for _, r := range c.retirements(in) {
		if !r.hasAnEnd() && !r.isUnwatched() && !r.hasUnusedSuccessors() {
			next = sooner(next, r.idleAt())
		}
	}
	return next
}

// bound ends former secrets early when there are too many: first the one that was in use, or shown to people, longest ago, the oldest first among
// equals. What people go by, and what waits to be shown, stays.
func (c *credentials) bound(in ClientInput) {
	for len(c.live) > maxCredentials {
		first := len(c.live) - 1
		for i := first; i >= c.firstFormer(); i-- {
			if c.lastNeeded(in, i).Before(c.lastNeeded(in, first)) {
				first = i
			}
		}
		c.live = slices.Delete(c.live, first, first+1)
	}
}

// lastNeeded answers when a former secret was last used, or gave way to its successor.
func (c *credentials) lastNeeded(in ClientInput, place int) time.Time {
	return later(lastUse(in, c.live[place].ID), c.live[place-1].CreatedAt)
}
