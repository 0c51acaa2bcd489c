package translate_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// input is that of the next translation.
func (w *walk) input() translate.GatewayInput {
	return translate.GatewayInput{
		Gateway: w.gateway, Secrets: map[string]*corev1.Secret{"ca": w.ca}, Previous: w.document, PreviousSecrets: w.secrets, Now: w.now, Generate: w.generate,
	}
}

func TestTheStatusShowsTheLaterOfTwoUsesToTheHour(t *testing.T) {
	w := newWalk(t, 1)
	w.reconcile(false)
	id := w.document.SigningKeys[0]
	at := w.now.Add(90 * time.Minute)
	for _, step := range []struct {
		what string
		uses map[string]time.Time
		want time.Time
	}{
		{"nobody has reported a use", nil, time.Time{}},
		{"another key was used", map[string]time.Time{"another": at}, time.Time{}},
		{"the key was used", map[string]time.Time{id: at}, w.now.Add(time.Hour)},
		{"a replica that has seen less is left", map[string]time.Time{id: w.now}, w.now.Add(time.Hour)},
		{"no replica is left", nil, w.now.Add(time.Hour)},
		{"it was used again", map[string]time.Time{id: at.Add(time.Hour)}, w.now.Add(2 * time.Hour)},
		{"a server's clock is a year ahead", map[string]time.Time{id: at.AddDate(1, 0, 0)}, w.now.Add(2 * time.Hour)},
	} {
		in := w.input()
		in.Now = at.Add(time.Hour)
		in.Uses = step.uses
		w.gateway.Status = translate.Gateway(in).Status
		if got := w.gateway.Status.SigningKeys[0].LastUsedTime; !got.Time.Equal(step.want) {
			t.Errorf("%s: the status shows %s, want %s", step.what, got, step.want)
		}
	}
}

// repeating draws some ids first.
type repeating struct {
	*fixedGenerator
	ids []string
}

func (g *repeating) ID() string {
	if len(g.ids) == 0 {
		return g.fixedGenerator.ID()
	}
	id := g.ids[0]
	g.ids = g.ids[1:]
	return id
}

func TestANewKeyNeverHasAWithdrawnID(t *testing.T) {
	w := newWalk(t, 1)
	w.gateway.Spec.AccessTokens.WithdrawnKeys = []v1alpha1.SigningKeyID{"one", "two"}
	in := w.input()
	in.Generate = &repeating{w.generate, []string{"two", "one", "two", "three"}}
	if got := translate.Gateway(in).Document.SigningKeys; !slices.Equal(got, []string{"three"}) {
		t.Errorf("the keys are %v", got)
	}
}

func TestALongRequestIsActedOnAndItsDigestIsShown(t *testing.T) {
	w := newWalk(t, 1)
	w.reconcile(false)
	long := strings.Repeat("ü", 1025)
	w.gateway.Annotations = map[string]string{v1alpha1.AnnotationRotateRequestedAt: long}
	w.reconcile(false)
	handled := w.gateway.Status.LastHandledRotationRequest
	if len(w.document.SigningKeys) != 2 || w.document.RotationRequest != handled {
		t.Errorf("it was not acted on: the keys are %v", w.document.SigningKeys)
	}
	if !strings.HasPrefix(handled, "sha256:") || len(handled) > 80 {
		t.Errorf("the status shows %q", handled)
	}
	w.gateway.Annotations[v1alpha1.AnnotationRotateRequestedAt] = long[2:] + "!"
	w.now = w.now.Add(time.Hour)
	w.reconcile(false)
	if len(w.document.SigningKeys) != 2 || w.document.RotationRequest == handled {
		t.Errorf("one that differs at its end only was not acted on: the keys are %v", w.document.SigningKeys)
	}
}

// TestASuccessorDoesNotSignWhileAReplicaDoesNotKnowIt: that replica would refuse its tokens.
func TestASuccessorDoesNotSignWhileAReplicaDoesNotKnowIt(t *testing.T) {
	w := newWalk(t, 1)
	w.reconcile(false)
	w.gateway.Annotations = map[string]string{v1alpha1.AnnotationRotateRequestedAt: "now"}
	w.reconcile(false)
	signsFrom := w.secrets.SigningKeys[1].SignsFrom
	in := w.input()
	in.Unserved = true
	if got := translate.Gateway(in).Secrets.SigningKeys[1].SignsFrom; !got.Equal(signsFrom) {
		t.Errorf("it is put off to %s although there is time", got)
	}
	next := translate.Gateway(in).NextChange
	if !next.Before(signsFrom.Add(-time.Minute)) {
		t.Errorf("it is not looked at again before it signs at %s, but at %s", signsFrom, next)
	}
	in.Now = next
	if got := translate.Gateway(in).Secrets.SigningKeys[1].SignsFrom; !got.Equal(next.Add(10 * time.Minute)) {
		t.Errorf("it signs from %s", got)
	}
	in.Unserved = false
	if got := translate.Gateway(in).Secrets.SigningKeys[1].SignsFrom; !got.Equal(signsFrom) {
		t.Errorf("it is put off to %s although every replica knows it", got)
	}
}

// failing makes no keys.
type failing struct{ *fixedGenerator }

func (failing) SigningKey(serving.Algorithm) (serving.Secret, error) {
	return serving.Secret{}, errors.New("no randomness")
}

// Better an old key than a document that no server can read.
func TestAGatewayThatIsKeptWithoutAllItNeedsStaysAsItIs(t *testing.T) {
	for name, spoil := range map[string]func(*translate.GatewayInput){
		"the secrets are lost": func(in *translate.GatewayInput) { in.PreviousSecrets = nil },
		"some of the secrets are lost": func(in *translate.GatewayInput) {
			secrets := *in.PreviousSecrets
			secrets.CABundles = nil
			in.PreviousSecrets = &secrets
		},
		"no key can be made": func(in *translate.GatewayInput) { in.Generate = failing{} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWalk(t, 1)
			w.reconcile(false)
			w.gateway.Spec.AccessTokens.WithdrawnKeys = []v1alpha1.SigningKeyID{v1alpha1.SigningKeyID(w.document.SigningKeys[0])}
			in := w.input()
			in.Secrets = nil
			spoil(&in)
			out := translate.Gateway(in)
			if out.Action != translate.Keep || out.Document != nil || out.Secrets != nil || len(out.KeyEvents) > 0 {
				t.Errorf("the action is %s with the events %v", out.Action, out.KeyEvents)
			}
			if len(out.Status.WithdrawnKeys) > 0 {
				t.Errorf("the status says that %v are withdrawn", out.Status.WithdrawnKeys)
			}
		})
	}
}

func TestWhatIsNotServedHasNoWithdrawnKeys(t *testing.T) {
	w := newWalk(t, 1)
	w.gateway.Spec.AccessTokens.WithdrawnKeys = []v1alpha1.SigningKeyID{"any"}
	in := w.input()
	in.Secrets = nil
	if out := translate.Gateway(in); out.Action != translate.Keep || len(out.Status.WithdrawnKeys) > 0 {
		t.Errorf("the action is %s, the withdrawn keys are %v", out.Action, out.Status.WithdrawnKeys)
	}
}

// TestAKeyFromBeforeItsTokensWereDatedIsKeptForThem: the documents of an earlier release know no TokensUntil.
func TestAKeyFromBeforeItsTokensWereDatedIsKeptForThem(t *testing.T) {
	w := newWalk(t, 1)
	w.reconcile(false)
	w.gateway.Annotations = map[string]string{v1alpha1.AnnotationRotateRequestedAt: "now"}
	w.reconcile(false)
	w.secrets.SigningKeys[0].TokensUntil = time.Time{}
	successor := w.secrets.SigningKeys[1]
	w.gateway.Spec.AccessTokens.LifetimeSeconds = 1
	last := successor.SignsFrom.Add(900*time.Second + 2*clocksDiffer)
	for _, step := range []struct {
		at   time.Time
		keys int
	}{{last.Add(-time.Second), 2}, {last, 1}} {
		w.now = step.at
		w.reconcile(false)
		if len(w.document.SigningKeys) != step.keys {
			t.Errorf("at %s the keys are %v", step.at, w.document.SigningKeys)
		}
	}
}
