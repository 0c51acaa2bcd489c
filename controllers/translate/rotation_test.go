package translate

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

var rotationNow = time.Date(2026, 3, 10, 10, 0, 0, 0, time.UTC)

const (
	secretA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	secretB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// daysOld is a credential that was made some days before rotationNow.
func daysOld(id, text string, days int) serving.Credential {
	return serving.Credential{ID: id, Digest: serving.DigestSecret(text), CreatedAt: rotationNow.AddDate(0, 0, -days)}
}

// atRest is a client whose Secret shows secretA, three days old, with a period of 30 days.
func atRest() ClientInput {
	days := int32(30)
	client := &v1alpha1.OAuthClient{}
	client.Spec.Rotation.IntervalDays = &days
	client.Spec.GatewayRef.Name = "acme"
	client.Spec.Credentials.SecretName = "thales"
	return ClientInput{
		Client: client, Now: rotationNow, Generate: NewGenerator(), PreviousServed: true, Uses: map[string]time.Time{},
		Secret:   &corev1.Secret{Data: map[string][]byte{v1alpha1.KeyClientSecret: []byte(secretA)}},
		Previous: &serving.Client{Gateway: "acme", ClientID: "id", RotationRequest: "1", Credentials: []serving.Credential{daysOld("a", secretA, 3)}},
	}
}

func TestWhenANewSecretIsMade(t *testing.T) {
	t.Parallel()
	lostNext := func(in *ClientInput) {
		in.Previous.Credentials = []serving.Credential{daysOld("b", secretB, 1), daysOld("a", secretA, 3)}
		in.Secret.Annotations = map[string]string{v1alpha1.AnnotationSecretCreated: rotationNow.AddDate(0, 0, -3).Format(time.RFC3339)}
	}
	for name, c := range map[string]struct {
		change func(*ClientInput)
		// check is the name of the one that decides; empty when none is to.
		check string
	}{
		"at rest":                             {func(*ClientInput) {}, ""},
		"a client without document or Secret": {func(in *ClientInput) { in.Previous, in.Secret = nil, nil }, "the client has never had one"},
		"a lost document":                     {func(in *ClientInput) { in.Previous = nil }, ""},
		"a lost Secret":                       {func(in *ClientInput) { in.Secret = nil }, "the one in use is lost"},
		"a lost Secret, remembered":           {func(in *ClientInput) { in.Secret, in.Remembered = nil, serving.NewSecret(secretA) }, ""},
		"a lost Secret, another remembered":   {func(in *ClientInput) { in.Secret, in.Remembered = nil, serving.NewSecret(secretB) }, "the one in use is lost"},
		"an emptied Secret":                   {func(in *ClientInput) { in.Secret.Data = nil }, "the one in use is lost"},
		"an emptied Secret, remembered":       {func(in *ClientInput) { in.Secret.Data, in.Remembered = nil, serving.NewSecret(secretA) }, ""},
		"a poor secret":                       {func(in *ClientInput) { in.Secret.Data[v1alpha1.KeyClientSecret] = []byte("123") }, "the one in use is lost"},
		"a good secret of somebody":           {func(in *ClientInput) { in.Secret.Data[v1alpha1.KeyClientSecret] = []byte(secretB) }, ""},
		"the next one lost":                   {lostNext, "the one that waited to be shown is lost"},
		"a former one put back by hand": {func(in *ClientInput) {
			lostNext(in)
			in.Secret.Annotations[v1alpha1.AnnotationSecretCreated] = rotationNow.AddDate(0, 0, -1).Format(time.RFC3339)
		}, ""},
		"a request":             {request("2"), "somebody asks for it"},
		"an answered request":   {request("1"), ""},
		"an empty request":      {request(""), ""},
		"a request and an edit": {func(in *ClientInput) { request("2")(in); in.Secret.Data[v1alpha1.KeyClientSecret] = []byte(secretB) }, ""},
		"a second before its age": {func(in *ClientInput) {
			in.Previous.Credentials[0].CreatedAt = rotationNow.AddDate(0, 0, -30).Add(time.Second)
		}, ""},
		"its age": {func(in *ClientInput) { in.Previous.Credentials[0].CreatedAt = rotationNow.AddDate(0, 0, -30) }, "the one in use has reached its age"},
		"its age without a period": {func(in *ClientInput) {
			in.Previous.Credentials[0].CreatedAt = rotationNow.AddDate(0, 0, -30)
			in.Client.Spec.Rotation.IntervalDays = nil
		}, ""},
		"its age, while a former one works": {func(in *ClientInput) {
			in.Previous.Credentials = []serving.Credential{daysOld("a", secretA, 30), daysOld("b", secretB, 60)}
		}, "the one in use has reached its age"},
		"its age, while a former one is not retired": {func(in *ClientInput) {
			in.Previous.Credentials = []serving.Credential{daysOld("a", secretA, 30), daysOld("b", secretB, 60)}
			in.Client.Spec.Rotation.RetirePrevious = v1alpha1.RetireAfterFirstUse
		}, ""},
		"a request, while a former one is not retired": {func(in *ClientInput) {
			in.Previous.Credentials = []serving.Credential{daysOld("a", secretA, 30), daysOld("b", secretB, 60)}
			in.Client.Spec.Rotation.RetirePrevious = v1alpha1.RetireAfterFirstUse
			request("2")(in)
		}, "somebody asks for it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := atRest()
			c.change(&in)
			r := findRotation(in)
			got := ""
			for _, check := range issueChecks() {
				if check.due(r) != "" {
					got = check.name
					break
				}
			}
			if got != c.check {
				t.Errorf("the check that decides is %q, want %q", got, c.check)
			}
		})
	}
}

func request(value string) func(*ClientInput) {
	return func(in *ClientInput) {
		in.Client.Annotations = map[string]string{v1alpha1.AnnotationRotateRequestedAt: value}
	}
}

func TestWhenANewSecretIsShown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*ClientInput)
		shown  bool
	}{
		"every replica accepts it":              {func(*ClientInput) {}, true},
		"a replica is behind":                   {func(in *ClientInput) { in.PreviousServed = false }, false},
		"the document does not list it":         {func(in *ClientInput) { in.Previous.Credentials = in.Previous.Credentials[1:] }, false},
		"it is served for another client id":    {func(in *ClientInput) { in.Client.Spec.ClientID = "other" }, false},
		"it is served at another gateway":       {func(in *ClientInput) { in.Client.Spec.GatewayRef.Name = "other" }, false},
		"a second request came, and it answers": {request("2"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := atRest()
			in.Secret.Data[v1alpha1.KeyNextClientSecret] = []byte(secretB)
			in.Previous.Credentials = []serving.Credential{daysOld("b", secretB, 0), daysOld("a", secretA, 3)}
			c.change(&in)
			got := generatedCredentials(in)
			wantShown, wantNext := secretA, secretB
			if c.shown {
				wantShown, wantNext = secretB, ""
			}
			if got.current.Reveal() != wantShown || got.next.Reveal() != wantNext || (got.announced != "") != c.shown {
				t.Errorf("it is shown: %t (%q)", got.next.IsZero(), got.announced)
			}
			if len(got.live) != 2 || got.live[1].ExpiresAt.IsZero() == c.shown {
				t.Errorf("the secrets are %+v; the former one has an end when the new one is shown, not before", got.live)
			}
		})
	}
}

func TestWhatKeepsAFormerSecret(t *testing.T) {
	t.Parallel()
	ago := func(d time.Duration) time.Time { return rotationNow.Add(-d) }
	const idle = 24*time.Hour + reportLag
	for name, c := range map[string]struct {
		policy v1alpha1.RetirePrevious
		uses   map[string]time.Time
		known  map[string]time.Time
		check  string
	}{
		"AfterOverlap":                     {v1alpha1.RetireAfterOverlap, map[string]time.Time{"new": rotationNow}, nil, "it works until its overlap is over"},
		"no policy is AfterOverlap":        {"", map[string]time.Time{"new": rotationNow}, nil, "it works until its overlap is over"},
		"no live replica":                  {v1alpha1.RetireAfterFirstUse, nil, map[string]time.Time{"new": rotationNow}, "no server replica is live to say that it is not in use"},
		"nothing was used":                 {v1alpha1.RetireAfterFirstUse, map[string]time.Time{}, nil, "no newer secret has been used"},
		"only itself was used, long ago":   {v1alpha1.RetireAfterFirstUse, map[string]time.Time{"former": ago(100 * time.Hour)}, nil, "no newer secret has been used"},
		"both were used a moment ago":      {v1alpha1.RetireAfterFirstUse, map[string]time.Time{"new": rotationNow, "former": rotationNow}, nil, "it was in use a moment ago"},
		"a second before it is idle":       {v1alpha1.RetireAfterFirstUse, map[string]time.Time{"new": rotationNow, "former": ago(idle - time.Second)}, nil, "it was in use a moment ago"},
		"it is idle":                       {v1alpha1.RetireAfterFirstUse, map[string]time.Time{"new": rotationNow, "former": ago(idle)}, nil, ""},
		"it was never used":                {v1alpha1.RetireAfterFirstUse, map[string]time.Time{"new": rotationNow}, nil, ""},
		"a replica that is gone knew more": {v1alpha1.RetireAfterFirstUse, map[string]time.Time{"new": rotationNow, "former": ago(idle)}, map[string]time.Time{"former": ago(time.Hour)}, "it was in use a moment ago"},
		"a replica that is gone saw a use": {v1alpha1.RetireAfterFirstUse, map[string]time.Time{}, map[string]time.Time{"new": ago(time.Hour)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := atRest()
			in.Uses = c.uses
			in.Client.Spec.Rotation.RetirePrevious = c.policy
			for id, at := range c.known {
				in.Client.Status.Credentials = append(in.Client.Status.Credentials, v1alpha1.CredentialStatus{ID: id, LastUsedTime: metav1.NewTime(at)})
			}
			r := retirement{in: in, former: daysOld("former", secretA, 30), newer: []serving.Credential{daysOld("new", secretB, 2)}}
			if got := r.kept(); got != c.check {
				t.Errorf("the check that keeps it is %q, want %q", got, c.check)
			}
		})
	}
}

// TestIdlenessCountsFromItsSuccessorAtTheEarliest: until then the secret was the current one, also where nobody has reported a use.
func TestIdlenessCountsFromItsSuccessorAtTheEarliest(t *testing.T) {
	t.Parallel()
	in := atRest()
	in.Client.Spec.Rotation.IdleHours = 3
	successor := daysOld("new", secretB, 1)
	r := retirement{in: in, former: daysOld("former", secretA, 30), newer: []serving.Credential{daysOld("newest", "x", 0), successor}}
	if got, want := r.idleAt(), successor.CreatedAt.Add(3*time.Hour+reportLag); !got.Equal(want) {
		t.Errorf("it is idle at %s, want %s", got, want)
	}
}

func TestWhichFormerSecretEndsEarly(t *testing.T) {
	t.Parallel()
	ids := []string{"current", "b", "c", "d", "e", "f", "g", "h", "oldest"}
	used := func(except ...string) map[string]time.Time {
		uses := map[string]time.Time{}
		for i, id := range ids {
			uses[id] = rotationNow.Add(-time.Duration(i) * time.Minute)
		}
		for _, id := range except {
			delete(uses, id)
		}
		return uses
	}
	recent := used()
	recent["oldest"], recent["d"] = rotationNow, rotationNow.Add(-time.Hour)
	for name, c := range map[string]struct {
		uses  map[string]time.Time
		waits bool
		want  string
	}{
		"the oldest when none was used":                 {nil, false, "oldest"},
		"the one that was never used":                   {used("c"), false, "c"},
		"the oldest of those that were never used":      {used("c", "g"), false, "g"},
		"the one whose use is longest ago":              {recent, false, "d"},
		"never the current one":                         {used("current"), false, "oldest"},
		"never the one in use while another one waits":  {used("current", "b"), true, "oldest"},
		"but a former one in that place, if none waits": {used("current", "b"), false, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := atRest()
			in.Uses = c.uses
			live := credentials{waits: c.waits}
			for _, id := range ids {
				live.live = append(live.live, serving.Credential{ID: id})
			}
			live.bound(in)
			if len(live.live) != maxCredentials {
				t.Fatalf("%d are left", len(live.live))
			}
			for _, k := range live.live {
				if k.ID == c.want {
					t.Errorf("%s is kept", c.want)
				}
			}
		})
	}
}

func TestHowAChangeOfThePolicyTreatsAFormerSecret(t *testing.T) {
	t.Parallel()
	hours := func(h int32) *int32 { return &h }
	promised := rotationNow.Add(5 * time.Hour)
	for name, c := range map[string]struct {
		before   time.Time
		rotation v1alpha1.Rotation
		waits    bool
		// gone says that it ends at once.
		gone  bool
		after time.Time
	}{
		"AfterOverlap decides an end":           {time.Time{}, v1alpha1.Rotation{OverlapHours: hours(2)}, false, false, rotationNow.Add(2 * time.Hour)},
		"a promise is kept":                     {promised, v1alpha1.Rotation{OverlapHours: hours(2)}, false, false, promised},
		"no overlap ends it":                    {time.Time{}, v1alpha1.Rotation{OverlapHours: hours(0)}, false, true, time.Time{}},
		"no overlap ends it, promised or not":   {promised, v1alpha1.Rotation{OverlapHours: hours(0)}, false, true, time.Time{}},
		"no overlap does not end what is shown": {time.Time{}, v1alpha1.Rotation{OverlapHours: hours(0)}, true, false, time.Time{}},
		"what is shown gets no end":             {time.Time{}, v1alpha1.Rotation{OverlapHours: hours(2)}, true, false, time.Time{}},
		"AfterFirstUse takes an end back":       {promised, v1alpha1.Rotation{OverlapHours: hours(2), RetirePrevious: v1alpha1.RetireAfterFirstUse}, false, false, time.Time{}},
		"AfterFirstUse knows no overlap":        {time.Time{}, v1alpha1.Rotation{OverlapHours: hours(0), RetirePrevious: v1alpha1.RetireAfterFirstUse}, false, false, time.Time{}},
		"stored before there was an overlap":    {time.Time{}, v1alpha1.Rotation{}, false, false, rotationNow.Add(168 * time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			former := daysOld("a", secretA, 3)
			former.ExpiresAt = c.before
			live := credentials{now: rotationNow, waits: c.waits, live: []serving.Credential{daysOld("b", secretB, 0), former}}
			live.decideEnds(c.rotation)
			if gone := len(live.live) == 1; gone != c.gone {
				t.Fatalf("it ends at once: %t", gone)
			}
			if !c.gone && !live.live[1].ExpiresAt.Equal(c.after) {
				t.Errorf("it works until %s, want %s", live.live[1].ExpiresAt, c.after)
			}
		})
	}
}
