package translate

import (
	"fmt"
	"regexp"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// adoptablePattern matches secrets that are as good as those the operator makes.
var adoptablePattern = regexp.MustCompile(`^[A-Za-z0-9]{43,}$`)

// rotation is where the generated secret of a client stands. A new secret goes through three writes, and a crash between any two of them is made good
// by the next run, which goes by what it finds:
//
//  1. the Secret gets it as client_secret_next: its text is in no other place, so this comes first;
//  2. the document lists it before the one that is in use;
//  3. when every live server replica serves that document, the Secret shows it as client_secret.
//
// While one waits to be shown no further one is made: whoever asks meanwhile is answered by it.
type rotation struct {
	in   ClientInput
	live *credentials
	// shown is client_secret, the one that people go by; empty while there is none to show. next is client_secret_next; empty when none waits.
	shown, next string
	// lostNext says that the document knows a secret that waited to be shown, and the Secret does not hold it any more.
	lostNext bool
	// tookOver says that somebody else put shown into the Secret.
	tookOver bool
	// issued, announced and restored are events: see ClientOutput.
	issued, announced, restored string
}

// issueCheck is one reason to make a new secret.
type issueCheck struct {
	name string
	// due answers the event that says why; empty when the reason is not given.
	due func(*rotation) string
}

// issueChecks are the reasons to make a new secret, in the order in which they are looked at. The first one that is given decides.
func issueChecks() []issueCheck {
	return []issueCheck{
		{"the client has never had one", (*rotation).neverHadOne},
		{"the one in use is lost", (*rotation).lostShown},
		{"the one that waited to be shown is lost", (*rotation).lostWaiting},
		{"somebody asks for it", (*rotation).isAskedFor},
		{"the one in use has reached its age", (*rotation).isTooOld},
	}
}

func (r *rotation) neverHadOne() string {
	if r.in.Previous != nil || r.shown != "" {
		return ""
	}
	return "The first secret of the client was made"
}

func (r *rotation) lostShown() string {
	if r.shown != "" {
		return ""
	}
	return "A new secret was made: the Secret held no usable client_secret, and the one it held before is not known"
}

func (r *rotation) lostWaiting() string {
	if !r.lostNext {
		return ""
	}
	return "A new secret was made: the one before was lost from the Secret before it was shown"
}

func (r *rotation) isAskedFor() string {
	request := rotationRequestOf(r.in.Client)
	// The request that a client is born with, or that comes together with another secret, is answered by that secret.
	if r.in.Previous == nil || r.tookOver || request == "" || request == r.in.Previous.RotationRequest {
		return ""
	}
	return "A new secret was made: the annotation " + v1alpha1.AnnotationRotateRequestedAt + " asked for it"
}

func (r *rotation) isTooOld() string {
	if due := nextRotation(r.in, r.live); due.IsZero() || due.After(r.in.Now) {
		return ""
	}
	return "A new secret was made: the previous one reached spec.rotation.intervalDays"
}

// dueReason answers why a new secret is to be made; empty when none is.
func (r *rotation) dueReason() string {
	for _, check := range issueChecks() {
		if why := check.due(r); why != "" {
			return why
		}
	}
	return ""
}

// nextRotation answers when a generated secret is replaced by its age; zero when it is not. One that is due waits while a new one is not shown yet and,
// under AfterFirstUse, while a former one works: nobody can tell when that ends, so there is no time to answer.
func nextRotation(in ClientInput, live *credentials) time.Time {
	days := valueOr(in.Client.Spec.Rotation.IntervalDays, 0)
	if originOf(in.Client) != originGenerated || days == 0 || len(live.live) == 0 {
		return time.Time{}
	}
	due := live.live[0].CreatedAt.Add(time.Duration(days) * 24 * time.Hour)
	afterUse := in.Client.Spec.Rotation.RetirePrevious == v1alpha1.RetireAfterFirstUse
	if waits := live.waits || afterUse && len(live.former()) > 0; waits && !in.Now.Before(due) {
		return time.Time{}
	}
	return later(due, in.Now)
}

// issue makes a new secret when there is a reason to. It waits to be shown, except where no secret works anyway.
func (r *rotation) issue() {
	if r.next != "" {
		return
	}
	why := r.dueReason()
	if why == "" {
		return
	}
	text := r.in.Generate.ClientSecret().Reveal()
	if len(r.live.live) == 0 {
		r.shown = text
	} else {
		r.wait(text)
	}
	r.live.use(text)
	r.issued = why
}

// wait makes the text the one that waits to be shown.
func (r *rotation) wait(text string) { r.next, r.live.waits = text, text != "" }

// show hands the next secret to people as soon as none of them can be refused with it.
func (r *rotation) show(clientID string) {
	if r.next == "" || !r.isAcceptedEverywhere(clientID) {
		return
	}
	r.shown = r.next
	r.wait("")
	r.announced = fmt.Sprintf("client_secret in Secret %q is the new one: every server replica accepts it", r.in.Client.Spec.Credentials.SecretName)
}

// isAcceptedEverywhere says whether every live server replica accepts the next secret, for the client id and at the gateway that the Secret names.
func (r *rotation) isAcceptedEverywhere(clientID string) bool {
	served := r.in.Previous
	return r.in.PreviousServed && served != nil && served.ClientID == clientID && served.Gateway == r.in.Client.Spec.GatewayRef.Name &&
		len(served.Credentials) > 0 && served.Credentials[0].Digest.Equal(serving.DigestSecret(r.next))
}
