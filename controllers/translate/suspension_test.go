package translate

import (
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// A server dates a token as of now, or as of the time from which tokens count when that lies a little ahead.
func TestASuspensionEndsEveryTokenHoweverSoonItFollowsAnother(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]time.Duration{
		"at once": 0, "in one second": 300 * time.Millisecond, "a second later": time.Second, "while the last still counts": 9 * time.Second,
		"when the last ends": propagation, "an hour later": time.Hour,
	} {
		in := atRest()
		now := rotationNow.Add(450 * time.Millisecond)
		for range 5 {
			in.Now = wholeSeconds(now)
			issued := later(in.Now, in.Previous.TokensNotBefore)
			lateIssued := later(in.Now.Add(propagation-time.Second), in.Previous.TokensNotBefore)
			for _, state := range []v1alpha1.ClientState{v1alpha1.ClientSuspended, v1alpha1.ClientSuspended, v1alpha1.ClientActive} {
				in.Client.Spec.State = state
				in.Previous = &serving.Client{Suspended: state == v1alpha1.ClientSuspended, TokensNotBefore: tokensNotBefore(in)}
			}
			if from := in.Previous.TokensNotBefore; !issued.Before(from) || !lateIssued.Before(from) {
				t.Errorf("suspended again %s: a token of %s, or one of %s from a server that learns late, works again: they count from %s", name, issued, lateIssued, from)
			}
			if ahead := in.Previous.TokensNotBefore.Sub(in.Now); ahead > propagation+5*time.Second {
				t.Errorf("suspended again %s: tokens count only in %s, which servers do not follow for long", name, ahead)
			}
			now = now.Add(between)
		}
	}
}
