package translate

import (
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// maxCredentials bounds the live secrets of a client; status.credentials has the same bound. With more, the oldest ones end early.
const maxCredentials = 8

// credentials are the live secrets of a client, the current one first.
type credentials struct {
	live    []serving.Credential
	now     time.Time
	overlap time.Duration
	newID   func() string
}

// previousCredentials answers what of the previous document is still alive. Without an overlap only the current secret is: who sets it to 0
// after a rotation wants the former secrets dead, not to wait out what was promised them.
func previousCredentials(in ClientInput) *credentials {
	const defaultOverlapHours = 168
	c := &credentials{
		now:     in.Now,
		overlap: time.Duration(valueOr(in.Client.Spec.Rotation.OverlapHours, defaultOverlapHours)) * time.Hour,
		newID:   in.Generate.ID,
	}
	if in.Previous != nil {
		c.live = liveCredentials(in.Previous.Credentials, in.Now)
	}
	if c.overlap == 0 {
		c.live = slices.DeleteFunc(c.live, func(k serving.Credential) bool { return !k.ExpiresAt.IsZero() })
	}
	return c
}

func liveCredentials(all []serving.Credential, now time.Time) []serving.Credential {
	return slices.DeleteFunc(slices.Clone(all), func(c serving.Credential) bool { return !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(now) })
}

// isCurrent says whether the secret is the current one.
func (c *credentials) isCurrent(digest serving.SecretDigest) bool {
	return len(c.live) > 0 && c.live[0].ExpiresAt.IsZero() && c.live[0].Digest.Equal(digest)
}

// use makes the secret the current one, and says whether that changed anything. The former one works on for the overlap. A secret that is
// still alive takes its place again rather than being listed twice.
func (c *credentials) use(digest serving.SecretDigest) bool {
	if c.isCurrent(digest) {
		return false
	}
	current := serving.Credential{Digest: digest, CreatedAt: c.now}
	if i := slices.IndexFunc(c.live, func(k serving.Credential) bool { return k.Digest.Equal(digest) }); i >= 0 {
		current = c.live[i]
		current.ExpiresAt = time.Time{}
		c.live = slices.Delete(c.live, i, i+1)
	} else {
		current.ID = c.newID()
	}
	if len(c.live) > 0 && c.live[0].ExpiresAt.IsZero() {
		c.live[0].ExpiresAt = c.now.Add(c.overlap)
	}
	c.live = append([]serving.Credential{current}, liveCredentials(c.live, c.now)...)
	c.live = c.live[:min(len(c.live), maxCredentials)]
	return true
}

// nextRotation answers when a generated secret is replaced by its age; zero when it is not.
func nextRotation(c *v1alpha1.OAuthClient, live []serving.Credential) time.Time {
	days := valueOr(c.Spec.Rotation.IntervalDays, 0)
	if originOf(c) != originGenerated || days == 0 || len(live) == 0 {
		return time.Time{}
	}
	return live[0].CreatedAt.Add(time.Duration(days) * 24 * time.Hour)
}

// nextExpiry answers when the first of the secrets stops working; zero when none does.
func nextExpiry(live []serving.Credential) time.Time {
	var next time.Time
	for _, c := range live {
		next = sooner(next, c.ExpiresAt)
	}
	return next
}

func credentialStatus(live []serving.Credential) []v1alpha1.CredentialStatus {
	var all []v1alpha1.CredentialStatus
	for _, c := range live {
		all = append(all, v1alpha1.CredentialStatus{ID: c.ID, CreatedTime: statusTime(c.CreatedAt), ExpiryTime: statusTime(c.ExpiresAt)})
	}
	return all
}
