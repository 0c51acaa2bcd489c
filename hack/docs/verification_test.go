package docs

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// example is a function that docs/delivery.md shows, and a program that calls it: it reads a JSON list of cases and prints a line of true or false for each.
type example struct {
	heading, file string
	harness       map[string]string // further files
	append        string            // to the function's own file
	run           []string
}

var examples = []example{
	{
		heading: "In Go", file: "webhook/verify.go",
		harness: map[string]string{"go.mod": "module example\n\ngo 1.26\n", "main.go": `package main

import (
	"encoding/json"
	"fmt"
	"os"

	"example/webhook"
)

func main() {
	var cases []struct{ Key, ID, Timestamp, Signatures, Body string }
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	for _, c := range cases {
		fmt.Println(webhook.Verify(c.Key, c.ID, c.Timestamp, c.Signatures, []byte(c.Body)) == nil)
	}
}
`},
		run: []string{"go", "run", "."},
	},
	{
		heading: "In Node.js", file: "verify.js",
		append: `
for (const c of JSON.parse(require('node:fs').readFileSync(0))) {
  const headers = { 'webhook-id': c.ID, 'webhook-timestamp': c.Timestamp, 'webhook-signature': c.Signatures };
  console.log(verify(c.Key, headers, Buffer.from(c.Body)));
}
`,
		run: []string{"node", "verify.js"},
	},
	{
		heading: "In Python", file: "verify.py",
		append: `

if __name__ == "__main__":
    import json, sys
    for c in json.load(sys.stdin):
        headers = {"webhook-id": c["ID"], "webhook-timestamp": c["Timestamp"], "webhook-signature": c["Signatures"]}
        print(str(verify(c["Key"], headers, c["Body"].encode())).lower())
`,
		run: []string{"/usr/bin/python3", "verify.py"}, // Debian's, which has the package cryptography
	},
	{
		heading: "In Java", file: "WebhookVerifier.java",
		// Without a JSON parser in the standard library, the cases come as lines of base64.
		harness: map[string]string{"Main.java": `
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Scanner;

final class Main {
    public static void main(String[] arguments) throws Exception {
        var lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            String[] c = lines.nextLine().split(" ", -1);
            for (int i = 0; i < c.length; i++) {
                c[i] = new String(Base64.getDecoder().decode(c[i]), StandardCharsets.UTF_8);
            }
            System.out.println(WebhookVerifier.verify(c[0], c[1], c[2], c[3], c[4].getBytes(StandardCharsets.UTF_8)));
        }
    }
}
`},
		run: []string{"sh", "-c", "javac -d out WebhookVerifier.java Main.java && java -cp out Main"},
	},
}

// delivery is what a function is asked about.
type verification struct {
	name                                 string
	Key, ID, Timestamp, Signatures, Body string
	want                                 bool
}

func TestTheFunctionsThatVerifyDoSo(t *testing.T) {
	p := readPage(t, filepath.Join(repository, "docs/delivery.md"))
	cases := verifications(t)
	for _, e := range examples {
		t.Run(e.heading, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write := func(name, text string) {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(e.file, shownUnder(t, p, e.heading)+e.append)
			for name, text := range e.harness {
				write(name, text)
			}
			run := exec.CommandContext(t.Context(), e.run[0], e.run[1:]...)
			run.Dir, run.Stdin = dir, asInput(t, cases, e.heading == "In Java")
			var problems bytes.Buffer
			run.Stderr = &problems
			out, err := run.Output()
			if err != nil {
				t.Fatalf("running it: %v\n%s", err, &problems)
			}
			answers := strings.Fields(string(out))
			if len(answers) != len(cases) {
				t.Fatalf("%d answers to %d deliveries: %s%s", len(answers), len(cases), out, &problems)
			}
			for i, c := range cases {
				if answers[i] != strconv.FormatBool(c.want) {
					t.Errorf("%s: %s", c.name, answers[i])
				}
			}
		})
	}
}

// verifications are deliveries as the server signs them, and some that somebody has tampered with.
func verifications(t *testing.T) []verification {
	t.Helper()
	secret := bytes.Repeat([]byte("0123456789"), 4)[:32]
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	public, _ := private.Public().(ed25519.PublicKey)
	whsec, whpk := "whsec_"+base64.StdEncoding.EncodeToString(secret), "whpk_"+base64.StdEncoding.EncodeToString(public)

	const id, body = "01a200d8-5697-7d7e-bcbb-db327bd51f9c", `{"tokenId":"tok_1","updateType":"TOKEN_STATE_CHANGE","correlationId":"Grüße"}`
	now := strconv.FormatInt(time.Now().Unix(), 10)
	old := strconv.FormatInt(time.Now().Add(-6*time.Minute).Unix(), 10)
	v1 := func(timestamp string) string {
		mac := hmac.New(sha256.New, secret)
		_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
		return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	v1a := func(timestamp string) string {
		return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(private, fmt.Appendf(nil, "%s.%s.%s", id, timestamp, body)))
	}
	other := "v1," + base64.StdEncoding.EncodeToString(make([]byte, 32))
	return []verification{
		{"a secret", whsec, id, now, v1(now), body, true},
		{"a public key", whpk, id, now, v1a(now), body, true},
		{"a secret among several signatures", whsec, id, now, other + " " + v1a(now) + " " + v1(now), body, true},
		{"a public key among several signatures", whpk, id, now, other + " " + v1(now) + " " + v1a(now), body, true},
		{"a secret, another body", whsec, id, now, v1(now), body + " ", false},
		{"a public key, another body", whpk, id, now, v1a(now), body + " ", false},
		{"another id", whsec, "other", now, v1(now), body, false},
		{"a later timestamp than was signed", whsec, id, now, v1(old), body, false},
		{"an old delivery", whsec, id, old, v1(old), body, false},
		{"an old delivery, public key", whpk, id, old, v1a(old), body, false},
		{"a timestamp that is none", whsec, id, "soon", v1("soon"), body, false},
		{"another secret's signature", whsec, id, now, other, body, false},
		{"only a signature of the other kind", whsec, id, now, v1a(now), body, false},
		{"only a signature of the other kind, public key", whpk, id, now, v1(now), body, false},
		{"a signature of another version", whsec, id, now, strings.Replace(v1(now), "v1,", "v2,", 1), body, false},
		{"no signature", whsec, id, now, "", body, false},
		{"a signature that is not base64, and one that fits", whsec, id, now, "v1,@@@ v1 v1, " + v1(now), body, true},
		{"no signature that is base64", whsec, id, now, "v1,@@@ v1,a v1 , ü", body, false},
		{"no signature that is base64, public key", whpk, id, now, "v1a,@@@ v1a,AAAA v1a", body, false},
		{"no id and no time", whsec, "", "", v1(now), body, false},
	}
}

func asInput(t *testing.T, cases []verification, lines bool) *bytes.Buffer {
	t.Helper()
	var in bytes.Buffer
	if !lines {
		if err := json.NewEncoder(&in).Encode(cases); err != nil {
			t.Fatal(err)
		}
		return &in
	}
	for _, c := range cases {
		var encoded []string
		for _, text := range []string{c.Key, c.ID, c.Timestamp, c.Signatures, c.Body} {
			encoded = append(encoded, base64.StdEncoding.EncodeToString([]byte(text)))
		}
		in.WriteString(strings.Join(encoded, " ") + "\n")
	}
	return &in
}

// shownUnder answers the one block below a heading.
func shownUnder(t *testing.T, p page, heading string) string {
	t.Helper()
	for _, s := range p.sections {
		if s.heading == heading && len(s.blocks) == 1 {
			return s.blocks[0].body
		}
	}
	t.Fatalf("%s: there is no single block under %q", p.path, heading)
	return ""
}
