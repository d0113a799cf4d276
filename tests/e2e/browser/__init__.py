"""The pages in a real browser: Chromium by Playwright, on the stack of the other e2e tests.

    engine.py     the browser of the session; which Chromium it is
    devices.py    a phone, WeChat, Alipay, a desktop: what each says of itself
    visitor.py    somebody in front of a page; what went wrong there that nobody expected
    look.py       what every page must pass: axe in light and dark, 320 px, targets, a screenshot
    wechat_app.py the bridge that WeChat's own browser gives to a page
    camera.py     reads a QR code off a page's pixels
    orders.py     a student's order, to be paid in a browser

``build/screenshots/`` keeps a picture of each page that a test has looked at.
"""
