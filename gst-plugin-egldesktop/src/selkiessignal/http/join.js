// Opens a link: what stands after the # is never sent by browsers on their own, so no log of any proxy has it.
const link = location.hash.slice(1);
// Neither does the history keep it.
history.replaceState(null, '', location.pathname);
const headers = { 'Content-Type': 'application/json', 'X-Requested-With': 'fetch' };
fetch('session', { method: 'POST', headers, credentials: 'same-origin', body: JSON.stringify({ link }) })
  .then(async (answer) => {
    if (answer.ok) location.replace('./');
    else document.getElementById('text').textContent = await answer.text();
  })
  .catch(() => {
    document.getElementById('text').textContent = 'The desktop cannot be reached. Open the link again.';
  });
