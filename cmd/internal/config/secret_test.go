package config_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kfake"

	"kindred/cmd/internal/config"
)

// hidden is a password that nothing may repeat.
const hidden = "hunter2hunter2"

// file writes a file that its owner alone can read.
func file(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAPasswordInAnAddressIsRefusedAndNotRepeated(t *testing.T) {
	for _, address := range []string{
		"redis://:" + hidden + "@host:6379", "redis://user:" + hidden + "@host", "user:" + hidden + "@host:6379", ":" + hidden + "@host:6379",
		`redis://:a"` + hidden + `,b"c@host:6379`, hidden + "@host", "host:6379?password=" + hidden, "user:" + hidden + ":host:6379",
	} {
		for _, server := range []string{"kafka", "redis"} {
			variable := "KINDRED_" + strings.ToUpper(server) + "=" + address
			for way, err := range map[string]error{
				"flag":     failure(parse(t, "--"+server+" "+address)),
				"variable": failure(parse(t, "", variable)),
				"second":   failure(parse(t, "--"+server+" host:1,"+address)),
			} {
				if err == nil || strings.Contains(err.Error(), hidden) {
					t.Errorf("%s, %s: %v; want a refusal that does not repeat it", address, way, err)
				} else if !strings.Contains(err.Error(), "--"+server+"-password-file") {
					t.Errorf("%s, %s: %v; want the way out", address, way, err)
				}
			}
		}
	}
}

func failure(_ config.Settings, _ config.Server, err error) error { return err }

func TestAPasswordIsNeverPrinted(t *testing.T) {
	settings, _, err := parse(t, "--kafka-user ann --kafka-password "+hidden+" --redis-password "+hidden)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("settings", "all", settings, "login", settings.RedisLogin)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("settings", "all", settings, "login", settings.RedisLogin)
	asJSON, _ := json.Marshal(settings)
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	settings.Flags(flags)
	for _, text := range []string{log.String(), string(asJSON), fmt.Sprintf("%v %+v %#v %s", settings, settings, settings, settings.KafkaLogin), flags.FlagUsages()} {
		if strings.Contains(text, hidden) {
			t.Errorf("the password is in %s", text)
		}
	}
}

func TestAPasswordComesFromAFileOfItsOwner(t *testing.T) {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "ann", hidden))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafka.Close)
	path := file(t, hidden+"\n")
	settings, _, err := parse(t, "--kafka "+kafka.ListenAddrs()[0]+" --kafka-user ann --kafka-sasl scram-sha-512 --kafka-password-file "+path+" --redis-password-file "+path)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := settings.Cluster(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := settings.ReachKafka(context.Background(), cluster); err != nil {
		t.Error(err)
	}
	if password, err := settings.RedisPassword(); err != nil || password != hidden {
		t.Errorf("for redis: %q, %v", password, err)
	}

	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := settings.RedisPassword(); err == nil || !strings.Contains(err.Error(), "--redis-password-file") || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that everybody can read: %v", err)
	}
	if _, err := settings.Cluster(nil); err == nil || !strings.Contains(err.Error(), "--kafka-password-file") {
		t.Errorf("a file that everybody can read: %v", err)
	}
	for _, wrong := range []string{filepath.Join(t.TempDir(), "none"), file(t, "\n"), "/dev/zero", t.TempDir()} {
		settings.RedisLogin.PasswordFile = wrong
		if password, err := settings.RedisPassword(); err == nil {
			t.Errorf("%s: %q, want an error", wrong, password)
		}
	}
}

func TestAPasswordDoesNotTravelUnencryptedUnlessToldTo(t *testing.T) {
	const login = " --kafka-user ann --kafka-password " + hidden
	check := func(arguments string, ok bool) {
		t.Helper()
		_, _, err := parse(t, arguments)
		if ok && err != nil || !ok && (err == nil || strings.Contains(err.Error(), hidden)) {
			t.Errorf("%s: %v", arguments, err)
		}
	}
	check("--kafka 127.0.0.1:9092,[::1]:9092,localhost:1"+login, true)
	check("--kafka kafka:9092"+login, false)
	check("--kafka 127.0.0.1:9092,kafka:9092"+login, false)
	check("--kafka kafka:9092 --kafka-tls"+login, true)
	check("--kafka kafka:9092 --kafka-sasl scram-sha-256"+login, true)
	check("--kafka kafka:9092 --kafka-allow-plaintext"+login, true)
	check("--kafka kafka:9092", true)
	check("--kafka-sasl kerberos", false)
	check("--kafka-password "+hidden, false)
	check("--kafka-user ann", false)
	check("--redis-password "+hidden+" --redis-password-file x", false)
}

func TestTokensAreLongAndTheirOwnersAlone(t *testing.T) {
	const one, two = "0123456789abcdef01234567", "a-token-with-more-characters"
	tokens := func(text string) ([]config.Token, error) {
		t.Helper()
		return (&config.Server{TokenFile: file(t, text)}).Tokens()
	}
	right := func(text string, want ...config.Token) {
		t.Helper()
		if got, err := tokens(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	right(one+"\n", config.Token{Value: one})
	right("# who may ask\n\nprometheus "+one+"\n  ann\t"+two+" editor", config.Token{Name: "prometheus", Value: one}, config.Token{Name: "ann", Value: two, Editor: true})
	right("ann "+one+" viewer\n"+two, config.Token{Name: "ann", Value: one}, config.Token{Value: two})
	for text, want := range map[string]string{
		"": "is empty", "\n# nothing\n": "holds no token", "short": "5 characters, want at least 24", "ann short": "want at least 24", one[:23]: "want at least 24",
		"a b " + one: "no role", "a " + one + " admin": "want viewer or editor", one + " editor": "want NAME TOKEN ROLE", "a " + one + " editor x": "more than",
		"a " + one + "\na " + two: "line 2 has the name", "a " + one + "\nb " + one: "line 2 has the token of an earlier line",
		strings.Repeat("n", 101) + " " + one: "cannot be shown", "a\x01b " + one: "cannot be shown", "\xff " + one: "cannot be shown",
	} {
		if got, err := tokens(text); err == nil || strings.Contains(err.Error(), "short") || strings.Contains(err.Error(), one) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v; want an error that says %q and repeats no token", text, got, err, want)
		}
	}
	path := file(t, one)
	for mode, ok := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o604: false, 0o666: false, 0o620: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := (&config.Server{TokenFile: path}).Tokens(); (err == nil) != ok {
			t.Errorf("mode %#o: %v", mode, err)
		}
	}
	if got, err := new(config.Server).Tokens(); got != nil || err != nil {
		t.Errorf("no file: %+v, %v", got, err)
	}
}

// renew writes a certificate for a name, and its key, over what was there.
func renew(t *testing.T, s *config.Server, name string, at time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{s.HTTPCert: {Type: "CERTIFICATE", Bytes: cert}, s.HTTPKey: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

func TestARenewedCertificateIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &config.Server{HTTPCert: filepath.Join(t.TempDir(), "cert.pem"), HTTPKey: filepath.Join(t.TempDir(), "key.pem")}
		renew(t, s, "first", time.Now())
		tls, err := s.HTTPTLS()
		if err != nil {
			t.Fatal(err)
		}
		shows := func(want string) {
			t.Helper()
			cert, err := tls.GetCertificate(nil)
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := x509.ParseCertificate(cert.Certificate[0])
			if err != nil || parsed.Subject.CommonName != want {
				t.Errorf("the certificate is of %q (%v), want %q", parsed.Subject.CommonName, err, want)
			}
		}
		shows("first")
		time.Sleep(2 * time.Minute) // of the test's clock
		renew(t, s, "second", time.Now())
		shows("second")
		if err := os.WriteFile(s.HTTPKey, []byte("half of a key"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		shows("second")
		if err := os.Chmod(s.HTTPKey, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := s.HTTPTLS(); err == nil || !strings.Contains(err.Error(), "--http-key") {
			t.Errorf("a key that everybody can read: %v", err)
		}
	})
}
